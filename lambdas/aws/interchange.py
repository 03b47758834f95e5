"""A window in Model Monitor's files, for those who read these: what it would have said, beside what Slipway says.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-results.html
"""

import json

from monitoring import model_monitor
from slipway.drift.profile import Profile
from slipway.drift.reference import Reference


def files(window: Profile, baseline: Profile, reference: Reference) -> dict[str, bytes]:
    """statistics.json of the window, constraints.json of the baseline, and where the one violates the other."""
    limits = model_monitor.constraints(baseline, reference)
    documents = {
        "statistics": model_monitor.statistics(window, reference),
        "constraints": limits,
        "constraint_violations": model_monitor.constraint_violations(
            model_monitor.check(window, baseline, reference, limits)
        ),
    }
    return {f"{name}.json": json.dumps(document).encode() for name, document in documents.items()}
