"""What is varied, what SageMaker is asked for, and what is made of its answer."""

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from slipway import codec, names
from slipway.retraining import legs, tuning
from slipway.retraining.run import Run, State, begin, move, with_outputs
from slipway.retraining.settings import Settings
from slipway.retraining.tuning import PARAMETERS, Range, Tuning
from tests.lambdas.retraining import MANIFEST, described
from tests.slipway.test_retraining_workflow import FRAME, NOW, of
from training import train

OPERATION = botocore.session.get_session().get_service_model("sagemaker").operation_model
TOLD = {"max-depth": "3", "eta": "0.1", "seed": "11", "sagemaker_program": "train.py"}


def run() -> Run:
    new = begin("fraud-retrain-3fa2c1", of(), "fraud-7-abcdef", "arn:aws:states:x", NOW)
    return with_outputs(new, champion="s3://b/models/7/model.tar.gz")


def turn(**settings: Any) -> legs.Turn:
    frame = type(FRAME)(**{**vars(FRAME), "retraining": Settings(**settings)})
    return legs.turn(run(), frame, MANIFEST, "b", "s3://assets/x.tar.gz", {}, 0)


def test_what_may_be_tuned_is_an_option_of_the_script_whose_default_a_range_may_hold() -> None:
    options = vars(train.parse(["--target", "y", "--train", "a", "--model-dir", "b"]))
    assert all(known.least <= options[name] <= known.most for name, known in PARAMETERS.items())
    assert {name for name in PARAMETERS if isinstance(options[name], int)} == {
        name for name, known in PARAMETERS.items() if known.whole
    }
    assert all(
        known.least <= least < most <= known.most
        for known in PARAMETERS.values()
        for least, most in [known.usual or (1, 2)]
    )


def test_without_the_setting_there_is_nothing_to_tune() -> None:
    assert turn().tuning is None


def test_sagemaker_is_asked_to_vary_what_the_settings_say_and_to_keep_the_rest() -> None:
    ranges = (Range("max_depth", 3, 8), Range("eta", 0.02, 0.3), Range("subsample", 0.5, 1))
    asked = tuning.asked(Tuning(7, 3, "bayesian", ranges), TOLD, "fraud-tune-3fa2c1", 3600)
    assert (asked["strategy"], asked["seed"], asked["seconds"]) == ("Bayesian", 11, 3 * 3600)
    assert asked["fixed"] == {"seed": "11", "sagemaker_program": "train.py"}
    (depth,) = asked["ranges"]["IntegerParameterRanges"]
    assert depth == {"Name": "max-depth", "MinValue": "3", "MaxValue": "8", "ScalingType": "Linear"}
    scaling = {one["Name"]: one["ScalingType"] for one in asked["ranges"]["ContinuousParameterRanges"]}
    assert scaling == {"eta": "Logarithmic", "subsample": "Linear"}
    shape = OPERATION("CreateHyperParameterTuningJob").input_shape.members["HyperParameterTuningJobConfig"]
    assert not ParamValidator().validate(asked["ranges"], shape.members["ParameterRanges"]).has_errors()


def test_the_same_run_asks_for_the_same_tuning_and_no_job_is_told_a_value_twice() -> None:
    first, again = turn(tuning=Tuning(), spot=True, job_minutes=10), turn(tuning=Tuning(), spot=True, job_minutes=10)
    assert first == again and first.tuning is not None
    varied = [one["Name"] for kind in first.tuning["ranges"].values() for one in kind]
    assert len(varied) == 6 and not {*varied} & first.tuning["fixed"].keys()
    assert first.tuning["seconds"] == 4 * first.leg_seconds == 4 * (4 * 600 + 900)


@pytest.mark.parametrize("endpoint", ["fraud", "e" * 16, "e" * 17, "e" * 40, "abcdefgh-ijklmnopqrstu"])
def test_an_endpoints_tuning_jobs_have_names_of_32_characters_at_most(endpoint: str) -> None:
    job = names.tuning_job(names.retraining(endpoint, "why"))
    assert job.startswith(f"{names.tuning_stem(endpoint)}-") and len(f"{job}-12") <= 32
    assert job.rpartition("-")[2] == names.retraining(endpoint, "why").rpartition("-")[2]


def test_long_endpoints_that_begin_alike_are_told_apart() -> None:
    assert names.tuning_stem("fraud-detection-europe") != names.tuning_stem("fraud-detection-america")


def test_what_was_found_is_told_kept_and_put_over_what_was_told() -> None:
    found = tuning.found(described("j"))
    assert found.says == "2 of 2 jobs, log-loss 0.123456 on validation by eta=0.07 max-depth=5"
    known = with_outputs(run(), **{legs.TUNED: tuning.text(found.parameters)})
    assert legs.tuned(TOLD, known) == TOLD | {"eta": "0.07", "max-depth": "5"} and legs.tuned(TOLD, run()) == TOLD


@pytest.mark.parametrize("change", [{"HyperParameterTuningJobStatus": "Stopped"}, {"BestTrainingJob": {}}])
def test_a_tuning_job_that_did_not_end_well_has_found_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(tuning.NothingFound, match=r"tuning job j is .*; start a new run"):
        tuning.found(described("j") | change)


def test_a_runs_price_counts_the_tuned_jobs_and_a_stored_one_is_read_again() -> None:
    settings = Settings(tuning=Tuning(jobs=6), job_minutes=60, price_an_hour=0.5)
    assert settings.most == 6.0 and codec.loads(Settings, codec.dumps(settings)) == settings
    failed = move(move(move(run(), State.ASSEMBLING, NOW), State.TUNING, NOW), State.FAILED, NOW)
    assert move(failed, State.TUNING, NOW).state is State.TUNING, "a redrive"
