"""How the stories of drift went, and the table of it."""

from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from sandbox.demo.drifts import DriftStory

ANSWERS = ("NOT RETRAINING", "WAITING", "RETRAINING")  # what retraining makes of a drift


@dataclass
class DriftTold:
    """rows: that were judged, from the change to the verdict. Times in virtual minutes. retraining: its answer."""

    story: DriftStory
    remedy: str = ""
    cause: str = ""
    says: str = ""
    blocked: bool = False
    retraining: str = ""
    rows: int = 0
    detected_after: float | None = None
    over_after: float | None = None
    wall_s: float = 0.0
    unexpected: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        wanted = self.story
        if self.unexpected or self.remedy != wanted.remedy:
            return False
        if wanted.scenes:
            return True
        # What calls for another remedy trains nothing, whether it forbids it or not.
        refused = self.retraining.startswith("NOT RETRAINING")
        answered = bool(self.retraining) and refused == (wanted.remedy != "RETRAIN")
        named = self.cause in wanted.causes and self.blocked == wanted.blocks
        return named and answered and self.over_after is not None

    def line(self) -> dict[str, Any]:
        found = {name: value for name, value in vars(self).items() if name != "story"}
        return {"name": self.story.name, "good": self.good, **found}


def table(told: list[DriftTold]) -> Table:
    made = Table(title="What was seen", header_style="bold")
    columns = ("story", "as expected", "remedy", "cause", "rows", "seen after", "retraining", "alarm OK after", "wall")
    for column in columns:
        made.add_column(column)
    for one in told:
        made.add_row(
            one.story.name,
            "[green]yes[/]" if one.good else "[red]no[/]",
            one.remedy or "-",
            one.cause or "-",
            f"{one.rows:,}",
            _minutes(one.detected_after),
            _answer(one),
            _minutes(one.over_after),
            f"{one.wall_s:.0f} s",
        )
    return made


def _answer(one: DriftTold) -> str:
    answer = next((answer.lower() for answer in ANSWERS if one.retraining.startswith(answer)), "-")
    return f"{answer}, blocked" if one.blocked else answer


def _minutes(minutes: float | None) -> str:
    return "-" if minutes is None else f"{minutes:.0f} min"
