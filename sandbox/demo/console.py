"""The demo on the terminal: what is set up, the release as it moves, and what people were told."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sandbox.demo.watch import Scene, Told
from sandbox.demo.world import World

LINES = 6


class Stage:
    """A live view on a terminal, plain lines elsewhere. Use as a context manager; `say` adds a line of progress."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or (Console() if sys.stdout.isatty() else Console(width=200))
        self.scene = Scene()
        self.world: World | None = None
        self._said: list[str] = []
        self._began = time.monotonic()
        self._live = Live(get_renderable=self._render, console=self.console, refresh_per_second=4, transient=True)
        self._shown_history = 0
        self._ringing: set[str] = set()

    def __enter__(self) -> "Stage":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def title(self, text: str) -> None:
        self.console.print(f"[bold cyan]{self._elapsed()}  {text}[/]")
        self._said.clear()

    def say(self, text: str) -> None:
        if self.console.is_terminal:
            self._said = [*self._said, text][-LINES:]
        else:
            self.console.print(f"{self._elapsed()}    {text}", markup=False, highlight=False)

    def news(self) -> None:
        """Prints what the release's history has new, so that it stays on the screen and in a log."""
        lines = self.scene.history
        for line in lines[self._shown_history :]:
            if line["what"] != "verdict":
                style = {"ROLLING_BACK": "bold red", "PROMOTED": "bold green"}.get(line["what"], "bold")
                text = Text(f"{self._elapsed()}    {line['what']:12} {line['weight']:>5g} %  ", style=style)
                text.append(f"{line['by']}: {line['reason'][:160]}", style="not bold")
                self.console.print(text)
        self._shown_history = len(lines)
        for name in sorted(set(self.scene.alarms) - self._ringing):
            self.console.print(Text(f"{self._elapsed()}    ALARM                 {name}", style="bold yellow"))
        self._ringing = set(self.scene.alarms)

    def new_release(self) -> None:
        self._shown_history = 0

    def summary(self, told: list[Told], report: Path) -> None:
        table = Table(title="What happened", header_style="bold")
        for column in ("story", "outcome", "expected", "decided by", "to weight 0", "exposed", "lost", "wall"):
            table.add_column(column)
        for story in told:
            good = story.outcome == story.expected
            speed = story.decision_to_zero_s
            table.add_row(
                story.name,
                f"[{'green' if good else 'red'}]{story.outcome}[/]",
                story.expected,
                story.decided_by or "judge",
                "-" if speed is None else f"{speed:.0f} s",
                f"{story.exposed:,}",
                f"{story.lost:,}",
                f"{story.wall_s:.0f} s",
            )
        self.console.print(table)
        self.console.print("[dim]to weight 0: seconds on the release's own clock, from the alarm or the verdict[/]")
        self.console.print(f"report: {report}")

    def legs(self, told: Told) -> None:
        """Of a loop: when each began, since the drift did."""
        table = Table("minutes", "real s", "leg", title=f"{told.name}, since the drift began", header_style="bold")
        for leg in told.legs:
            table.add_row(f"{leg['minutes']:.1f}", f"{leg['real_s']:.0f}", leg["leg"])
        self.console.print(table)

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._began:6.1f} s"

    def _render(self) -> Group:
        parts: list[Any] = [Text(f"  {line}", style="dim", no_wrap=True, overflow="ellipsis") for line in self._said]
        if self.scene.release:
            parts.append(Panel(self._release(), title=f"{self.scene.story}: {self.scene.release['id']}"))
        if self.world and self.scene.release:
            parts.append(Panel(self._notifications(), title="notifications"))
        return Group(*parts)

    def _release(self) -> Table:
        scene, release = self.scene, self.scene.release
        table = Table.grid(padding=(0, 2))
        table.add_row("phase", f"{release['phase']} (endpoint {scene.status})")
        table.add_row(
            "traffic", "  ".join(f"{name} {_bar(share)} {share:.0f} %" for name, share in scene.weights.items())
        )
        users = self.world.users.latest if self.world and self.world.users else {}
        table.add_row("users", f"{users.get('rate', 0):.0f} requests/s, p99 {users.get('p99_ms') or 0:.1f} ms")
        table.add_row("alarms", ", ".join(scene.alarms) or "none")
        verdict = next((line["verdict"] for line in reversed(scene.history) if line.get("verdict")), None)
        if verdict:
            for finding in verdict["findings"]:
                table.add_row(
                    finding["guardrail"], f"{finding['says']}  (harm {finding['harm']:.3g} of {finding['bar']:.3g})"
                )
            table.add_row("decision", f"{verdict['decision']}: {verdict['reason'][:200]}")
        return table

    def _notifications(self) -> Text:
        assert self.world is not None
        file = self.world.sandbox.logs / "notifications.jsonl"
        lines = file.read_text().splitlines()[-4:] if file.exists() else []
        return Text("\n".join(str(json.loads(line).get("subject")) for line in lines))


def _bar(share: float) -> str:
    return "█" * round(share / 5) + "░" * (20 - round(share / 5))
