"""Files of captured requests and of their labels, as SageMaker lays them out."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from training import assemble, engines, joined

HOUR = 3600.0
BEGIN = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
END, CUT = BEGIN + 100 * HOUR, BEGIN + 200 * HOUR
NAMES = ["a", "b", "c", "amount"]


def at(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat()


def capture_line(id: str, time: float, data: str, **change: object) -> dict:
    sent = {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV", **change}
    answer = {"observedContentType": "text/csv; charset=utf-8", "mode": "OUTPUT", "data": "0.5", "encoding": "CSV"}
    metadata = {"eventId": f"event-{id}", "inferenceId": id, "inferenceTime": at(time)}
    return {
        "captureData": {"endpointInput": sent, "endpointOutput": answer},
        "eventMetadata": metadata,
        "eventVersion": "0",
    }


def label_line(id: str, value: object) -> dict:
    truth = {"data": str(value), "encoding": "CSV"}
    return {"groundTruthData": truth, "eventMetadata": {"eventId": id}, "eventVersion": "0"}


class World:
    """Files of captured requests and labels; `add` a request with a label after a delay (None: never)."""

    def __init__(self, folder: Path) -> None:
        self.capture, self.labels, self.output = (folder / name for name in ("capture", "labels", "dataset"))
        self.lines: dict[Path, list[dict]] = {}

    def ask(self, id: str, time: float, data: str = "0.1,0.2,0.3,4", variant: str = "baseline", **change) -> None:
        folder = self.capture / variant / f"{datetime.fromtimestamp(time, UTC):%Y/%m/%d/%H}"
        self.lines.setdefault(folder / "00-00-000-x.jsonl", []).append(capture_line(id, time, data, **change))

    def tell(self, id: str, time: float, value: object) -> None:
        when = datetime.fromtimestamp(time, UTC)
        self.lines.setdefault(self.labels / f"{when:%Y/%m/%d/%H/%M-%S}-000-y.jsonl", []).append(label_line(id, value))

    def write(self) -> "World":
        self.labels.mkdir(parents=True, exist_ok=True)
        for path, lines in self.lines.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return self

    def join(self, engine=None, **window: float) -> tuple[pd.DataFrame, dict[str, int]]:
        given = {"since": BEGIN, "until": END, "cut": CUT, **window}
        return joined.join(engine or engines.Embedded(), self.capture, self.labels, NAMES, joined.Window(**given))

    def run(self, champion: Path, *more: str) -> dict:
        places = {"capture": self.capture, "labels": self.labels, "output": self.output, "champion": champion}
        times = {"since": BEGIN, "until": END, "cut": CUT}
        return assemble.main([*(f"--{k}={v}" for k, v in (places | times).items()), *more])
