"""Prints a sample of what is stored in the format of now: `python tests/slipway/formats/sample.py > .../2.json`."""

import json
import sys

from slipway import codec, evidence, judge, plan
from slipway import release as rel
from slipway.frame import Frame
from slipway.minutes import Arm, Minute
from slipway.outcomes import UNIT, OutcomeSums, Sample
from slipway.release import Release
from slipway.stored import FORMAT

ACCOUNT = "us-east-1:123456789012"


def main() -> str:
    """A release in its A/B test, after some looks; the frame it is released into; the last line of its history."""
    chosen = plan.parse({"name": "ab-test", "outcomes": [{"name": "bought"}, {"name": "returned", "better": "lower"}]})
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
    role, key = "arn:aws:iam::123456789012:role/serving", f"arn:aws:kms:{ACCOUNT}:key/1"
    frame = Frame("fraud", image, role, "ml.m5.large", 1, 8, 1000, "s3://bucket/capture", 100, key, plan=chosen)
    release, line = _judged(chosen)
    return json.dumps(
        {kind: codec.encode(value) for kind, value in _kinds(release, frame, line)}, separators=(",", ":")
    )


def _kinds(*values: object) -> list[tuple[str, object]]:
    return [(type(value).__name__, value) for value in values]


def _judged(chosen: plan.Plan) -> tuple[Release, rel.Entry]:
    known = Release(
        id="fraud.7.3fa2c1",
        endpoint="fraud",
        package=f"arn:aws:sagemaker:{ACCOUNT}:model-package/fraud/7",
        candidate="fraud-7-3fa2c1",
        baseline="fraud-first",
        baseline_config="fraud-first",
        instances=2,
        plan=chosen,
        created_at=0.0,
        entered_at=0.0,
        evidence=evidence.begin(chosen),
    )
    for _ in range(3):
        known = rel.in_place(rel.advance(known, 0.0, "test"), 0.0)
    for i in range(8):
        minute = Minute(60.0 * i, Arm(300, 3, 2000.0 + i, 6000.0, 15), Arm(300, i % 2, 2010.0, 6000.0, 15))
        samples = {
            role: Sample(500, (99 + i) * UNIT, (99 + i) * UNIT**2, 99 * UNIT) for role in ("baseline", "candidate")
        }
        sums = OutcomeSums({(role, "bought"): sample for role, sample in samples.items()})
        outcome = judge.look(known, [minute], {}, minute.at + 180, reported=sums)
        known = outcome.release
    return known, outcome.line


if __name__ == "__main__":
    print(main(), file=sys.stdout)
    print(f"format {FORMAT}", file=sys.stderr)
