"""Releases, frames and endpoints as the tests of the core need them."""

import pytest

from slipway import evidence, plan
from slipway.frame import Frame
from slipway.release import Release


@pytest.fixture
def frame() -> Frame:
    return Frame(
        endpoint="fraud",
        image="683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
        role_arn="arn:aws:iam::123456789012:role/serving",
        instance_type="ml.m5.large",
        initial_instance_count=1,
        max_instance_count=8,
        target_invocations_per_instance=1000,
        capture_uri="s3://bucket/capture",
        capture_percentage=100,
        kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/1",
    )


@pytest.fixture
def release() -> Release:
    chosen = plan.BUILTIN["canary"]
    return Release(
        id="fraud.7.3fa2c1",
        endpoint="fraud",
        package="arn:aws:sagemaker:us-east-1:123456789012:model-package/fraud/7",
        candidate="fraud-7-3fa2c1",
        baseline="fraud-first",
        baseline_config="fraud-first",
        instances=2,
        plan=chosen,
        created_at=0.0,
        entered_at=0.0,
        probe="0,0,0",
        evidence=evidence.begin(chosen),
    )
