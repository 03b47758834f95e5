"""What our judge has to reach on the bench, and whether it did."""

from dataclasses import dataclass

Row = dict
INNOCENT, UNSEEN_INNOCENT = 0.01, 0.05  # most rolled back, of each family
OUTAGE_MINUTES = {100.0: 2, 1.0: 6}


@dataclass(frozen=True)
class Bar:
    what: str
    wanted: str
    found: float | None
    met: bool


def bars(rows: list[Row], quality: list[Row], *, unseen: bool = False) -> list[Bar]:
    """One for each thing to reach that was run."""
    found = [_innocent(row, UNSEEN_INNOCENT if unseen else INNOCENT) for row in _ours(rows) if not row["guilty"]]
    for row in _ours(rows):
        if row["family"] == "errors 2 %" and row["rate"] == 100:
            found.append(_at_least(row, "within_1500", 0.99, "by 1,500 candidate requests"))
        if row["family"] == "outage":
            found.append(_outage(row))
    for row in quality:
        if row["rule"] == "ours, paired" and row["rate"] == 1:
            if row["family"] == "AUC .873 -> .860":
                found.append(_at_least(row, "within_2_h", 0.95, "within 2 h"))
            if not row["guilty"]:
                found.append(_innocent(row, INNOCENT))
    return found


def _ours(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["rule"] == "ours"]


def _name(row: Row) -> str:
    return f"{row['family']} at {row['rate']:g}/s"


def _innocent(row: Row, most: float) -> Bar:
    return Bar(_name(row), f"rolled back <= {most:.0%}", row["roll_back"], row["roll_back"] <= most)


def _at_least(row: Row, key: str, least: float, when: str) -> Bar:
    return Bar(_name(row), f"rolled back >= {least:.0%} {when}", row[key], row[key] >= least)


def _outage(row: Row) -> Bar:
    """The median is over the runs rolled back, so all of them have to be."""
    most = OUTAGE_MINUTES[row["rate"]]
    met = row["roll_back"] == 1 and row["minutes"] <= most
    return Bar(_name(row), f"all rolled back, in {most} minutes (median)", row["minutes"], met)
