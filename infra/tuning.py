"""The setting `retraining.tuning`: what is varied, within which ranges, in how many jobs."""

from collections.abc import Mapping

from infra.checks import refuse, section, text, unknown, whole
from slipway.retraining.settings import Settings
from slipway.retraining.tuning import PARAMETERS, STRATEGIES, Range, Tuning

LONGEST_DAYS = 5  # that tuning may take of an execution's 35, which may also wait for labels and for an approval


def _ranges(path: str, value: object) -> tuple[Range, ...]:
    if not isinstance(value, Mapping) or not value:
        raise refuse(path, 'an object such as {"max_depth": [3, 8]}, or none for the usual ranges', value)
    for name in value:
        if name not in PARAMETERS:
            raise unknown(f"{path}.{name}", str(name), list(PARAMETERS))
    return tuple(_range(f"{path}.{name}", name, value[name]) for name in PARAMETERS if name in value)


def _range(path: str, name: str, value: object) -> Range:
    known = PARAMETERS[name]
    kind = "whole numbers" if known.whole else "numbers"
    expected = f"[least, most]: two {kind} from {known.least:g} to {known.most:g}, the second greater"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise refuse(path, expected, value)
    if any(isinstance(end, bool) or not isinstance(end, int if known.whole else int | float) for end in value):
        raise refuse(path, expected, value)
    least, most = map(float, value)
    if not known.least <= least < most <= known.most:
        raise refuse(path, expected, value)
    return Range(name, least, most)


SECTION = section(
    Tuning,
    {
        "jobs": whole(2, 100),
        "parallel": whole(1, 10),
        "strategy": text("|".join(STRATEGIES), f"one of {', '.join(STRATEGIES)}"),
        "ranges": _ranges,
    },
)


def check(path: str, settings: Settings) -> None:
    """Raises ConfigError where tuning can't fit what else is set. path: of the section `retraining`."""
    tuning = settings.tuning
    if tuning is None:
        return
    if tuning.parallel > tuning.jobs:
        raise refuse(f"{path}.tuning.parallel", f"at most tuning.jobs ({tuning.jobs})", tuning.parallel)
    if settings.most > settings.cost_a_month:
        most = f"cost_a_month (US$ {settings.cost_a_month:g})"
        expected = f"so few that a run, which may cost US$ {settings.most:g}, stays under {most}; or less job_minutes"
        raise refuse(f"{path}.tuning.jobs", expected, tuning.jobs)
    days = tuning.longest(settings.longest_job) / 86400
    if days > LONGEST_DAYS:
        expected = f"tuning of at most {LONGEST_DAYS} days, not {days:.1f}: fewer jobs, more parallel, less job_minutes"
        raise refuse(f"{path}.tuning.jobs", expected, tuning.jobs)
