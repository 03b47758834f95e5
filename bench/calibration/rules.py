"""Every rule in the bench, by the name it has in the tables."""

from bench.calibration.decisions import Rule
from bench.calibration.ours import ours
from bench.peers.alarms import alarm
from bench.peers.argo import analysis
from bench.peers.flagger import flagger
from bench.peers.growthbook import growthbook
from bench.peers.kayenta import kayenta
from bench.peers.netflix import netflix

RULES: dict[str, Rule] = {
    "ours": ours,
    "CloudWatch 1 of 1": alarm(1),
    "CloudWatch 2 of 2": alarm(2),
    "CloudWatch 5 min": alarm(1, minutes=5),
    "Argo default": analysis(interval=1, failure_limit=0),
    "Argo docs": analysis(interval=5, failure_limit=3),
    "Flagger": flagger,
    "Kayenta 98 % once": kayenta(0.98, repeated=False),
    "Kayenta 98 % repeated": kayenta(0.98, repeated=True),
    "Kayenta 95 % once": kayenta(0.95, repeated=False),
    "Kayenta 95 % repeated": kayenta(0.95, repeated=True),
    "GrowthBook": growthbook,
    "Netflix": netflix,
}
