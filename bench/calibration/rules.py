"""Every rule in the bench, by the name it has in the tables."""

from bench.calibration.decisions import Rule
from bench.calibration.ours import ours

RULES: dict[str, Rule] = {
    "ours": ours,
}
