"""Tuning jobs: training jobs that really run, at most so many at once, the best by what their logs say."""

from typing import Any

import pytest

from tests.sagemaker.support import BUCKET, IMAGE, archive, refused, until

pytestmark = pytest.mark.sandbox
LOSS = "validation:log_loss"
# The loss is eta's distance from .1; with max-depth 1 it breaks.
SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
for name in ("--eta", "--max-depth", "--seed"):
    parser.add_argument(name, type=float)
parser.add_argument("--_tuning_objective_metric", required=True)
options = parser.parse_args()
assert options.seed == 7 and options._tuning_objective_metric == "validation:log_loss"
if options.max_depth == 1:
    raise SystemExit("too shallow")
print("train:log_loss=0")
print(f"validation:log_loss={abs(options.eta - 0.1):.6f}")
"""
SLOW = "import time; time.sleep(60)"
ETA = {"Name": "eta", "MinValue": "0.01", "MaxValue": "1", "ScalingType": "Logarithmic"}


def of(name: str, role: str, code: str, **more: Any) -> dict[str, Any]:
    fixed = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": f"s3://{BUCKET}/code/{code}.tar.gz",
        "seed": "7",
    }
    algorithm = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": LOSS, "Regex": "validation:log_loss=([0-9.]+)"}],
    }
    definition = {
        "StaticHyperParameters": fixed | more.pop("fixed", {}),
        "AlgorithmSpecification": algorithm,
        "RoleArn": role,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/tuning"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    config = {
        "Strategy": "Bayesian",
        "RandomSeed": 7,
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": LOSS},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {"ContinuousParameterRanges": [ETA]},
        **more,
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": definition,
        "Tags": [{"Key": "slipway:run", "Value": name}],
    }


@pytest.fixture(scope="module")
def codes(s3: Any) -> None:
    for name, script in {"quick": SCRIPT, "slow": SLOW}.items():
        s3.put_object(Bucket=BUCKET, Key=f"code/{name}.tar.gz", Body=archive({"train.py": script}))


@pytest.fixture(scope="module")
def tune(sagemaker: Any, role: str, codes: None) -> Any:
    def start(name: str, code: str = "quick", **more: Any) -> str:
        sagemaker.create_hyper_parameter_tuning_job(**of(name, role, code, **more))
        return name

    return start


@pytest.fixture(scope="module")
def see(sagemaker: Any) -> Any:
    return lambda name: sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


@pytest.fixture(scope="module")
def ended(see: Any) -> Any:
    running = ("InProgress", "Stopping")
    return lambda name: until(lambda: see(name), lambda job: job["HyperParameterTuningJobStatus"] not in running)


@pytest.fixture(scope="module")
def jobs(sagemaker: Any) -> Any:
    """The training jobs of a tuning job."""

    def listed(name: str, **asked: Any) -> list[dict[str, Any]]:
        asked["HyperParameterTuningJobName"] = name
        return list(sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**asked)["TrainingJobSummaries"])

    return listed


def test_the_best_job_is_the_one_whose_log_says_the_least_loss(sagemaker, tune, ended, jobs):
    seen = ended(tune("good", fixed={"max-depth": "3"}))
    assert seen["HyperParameterTuningJobStatus"] == "Completed", seen.get("FailureReason")
    tried = jobs("good", SortBy="FinalObjectiveMetricValue")
    losses = [job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in tried]
    etas = [float(job["TunedHyperParameters"]["eta"]) for job in tried]
    assert losses == sorted(losses) == pytest.approx([abs(eta - 0.1) for eta in etas], abs=1e-6)
    best = seen["BestTrainingJob"]
    assert best["TrainingJobName"] == tried[0]["TrainingJobName"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == LOSS
    assert seen["TrainingJobStatusCounters"]["Completed"] == seen["ObjectiveStatusCounters"]["Succeeded"] == 4
    training = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert training["TuningJobArn"] == seen["HyperParameterTuningJobArn"]
    assert training["HyperParameters"]["eta"] == best["TunedHyperParameters"]["eta"]
    assert training["ModelArtifacts"]["S3ModelArtifacts"].startswith(f"s3://{BUCKET}/tuning/good-")
    tags = sagemaker.list_tags(ResourceArn=best["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "slipway:run", "Value": "good"}]


def test_the_same_seed_tries_the_same_values_and_never_more_at_once_than_it_may(tune, ended, see, jobs):
    most = 0

    def look() -> dict[str, Any]:
        nonlocal most
        seen = dict(see("again"))
        most = max(most, seen["TrainingJobStatusCounters"]["InProgress"])
        return seen

    tune("again", fixed={"max-depth": "3"})
    until(look, lambda job: job["HyperParameterTuningJobStatus"] != "InProgress")
    assert most == 2
    assert [job["TrainingJobName"][:10] for job in jobs("again")] == [f"again-00{n}-" for n in range(1, 5)]
    ended(tune("twice", fixed={"max-depth": "3"}))
    values = [[job["TunedHyperParameters"] for job in jobs(name)] for name in ("again", "twice")]
    assert values[0] == values[1]


def test_jobs_that_fail_are_counted_and_only_all_of_them_fail_the_tuning(tune, ended, jobs):
    depths = {"Name": "max-depth", "MinValue": "1", "MaxValue": "2", "ScalingType": "Linear"}
    varied = {"ContinuousParameterRanges": [ETA], "IntegerParameterRanges": [depths]}
    seen = ended(tune("some", ParameterRanges=varied))
    assert seen["HyperParameterTuningJobStatus"] == "Completed"
    counted = seen["TrainingJobStatusCounters"]
    assert counted["Completed"] + counted["NonRetryableError"] == 4 and counted["NonRetryableError"] > 0
    assert seen["BestTrainingJob"]["TunedHyperParameters"]["max-depth"] == "2"
    failed = jobs("some", StatusEquals="Failed")
    assert len(failed) == counted["NonRetryableError"] and "too shallow" in failed[0]["FailureReason"]

    seen = ended(tune("none", fixed={"max-depth": "1"}))
    assert seen["HyperParameterTuningJobStatus"] == "Failed" and "BestTrainingJob" not in seen
    assert seen["FailureReason"].startswith("All training jobs failed")


def test_a_stopped_tuning_job_leaves_no_training_job_behind(sagemaker, tune, ended, see, jobs):
    tune("slow", "slow")
    until(lambda: jobs("slow"), lambda rows: [row for row in rows if "TrainingStartTime" in row])
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="slow")
    assert see("slow")["HyperParameterTuningJobStatus"] in ("Stopping", "Stopped")
    seen = ended("slow")
    assert seen["HyperParameterTuningJobStatus"] == "Stopped" and seen["HyperParameterTuningEndTime"]
    assert {job["TrainingJobStatus"] for job in jobs("slow")} == {"Stopped"} and len(jobs("slow")) == 2
    code, message = refused(sagemaker.stop_hyper_parameter_tuning_job, HyperParameterTuningJobName="slow")
    assert (code, message[-18:]) == ("ValidationException", "in status Stopped.")
    listed = sagemaker.list_hyper_parameter_tuning_jobs(NameContains="slow")["HyperParameterTuningJobSummaries"]
    assert [(job["HyperParameterTuningJobName"], job["Strategy"]) for job in listed] == [("slow", "Bayesian")]


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("n" * 33, {}, "length less than or equal to 32"),
        ("both", {"fixed": {"eta": "0.1"}}, "eta is both static and tuned"),
        ("many", {"ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 3}}, "must not exceed"),
        ("grid", {"Strategy": "Grid"}, "it can't"),
        (
            "unsaid",
            {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"}},
            "is not one of the MetricDefinitions",
        ),
    ],
)
def test_what_can_not_be_tuned_is_refused_at_once(tune, name, more, says):
    code, message = refused(tune, name=name, **more)
    assert code == "ValidationException" and says in message
