"""Boosting that can be interrupted: a spot instance is reclaimed, SageMaker starts the job again, and it goes on.

XGBoost's samplers hold state that no model file keeps. So boosting goes in stretches, interrupted or not: each begins
with the model loaded from its bytes and a seed of its own, and a resumed job ends with the bytes it would have had.

A checkpoint is one file, put in place by a rename, with the history of losses inside; one that was made from other
data, parameters or XGBoost is not taken up.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xgboost

DIRECTORY = Path("/opt/ml/checkpoints")  # what SageMaker keeps in step with CheckpointConfig's S3 address
STRETCH = 20  # rounds
NAME = "checkpoint.ubj"


@dataclass(frozen=True)
class Checkpoints:
    """A directory, and the digest of all that a model is made from."""

    directory: Path
    fingerprint: str

    def load(self) -> tuple[bytearray | None, list[float]]:
        """The model as far as it came, and the validation's loss of each of its rounds; None if none fits."""
        path = self.directory / NAME
        if not path.exists():
            return None, []
        kept = xgboost.Booster(model_file=str(path))
        if kept.attr("fingerprint") != self.fingerprint:
            return None, []
        history = json.loads(kept.attr("history"))
        kept.set_attr(fingerprint=None, history=None)
        return kept.save_raw(), history

    def save(self, booster: xgboost.Booster, history: list[float]) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        booster.set_attr(fingerprint=self.fingerprint, history=json.dumps(history))
        aside = self.directory / f"aside-{NAME}"
        booster.save_model(aside)
        aside.replace(self.directory / NAME)
        booster.set_attr(fingerprint=None, history=None)


def fingerprint(*parts: Any) -> str:
    """Of anything JSON takes."""
    return hashlib.sha256(json.dumps([xgboost.__version__, *parts], sort_keys=True).encode()).hexdigest()


def boost(
    parameters: Mapping[str, Any],
    train: xgboost.DMatrix,
    validation: xgboost.DMatrix | None,
    rounds: int,
    patience: int = 0,
    checkpoints: Checkpoints | None = None,
) -> xgboost.Booster:
    """Train, or go on training, up to `rounds`; with patience, as far as the round of the least validation loss."""
    model, history = checkpoints.load() if checkpoints else (None, [])
    booster = _begin(parameters, model, train, validation)
    for number in range(booster.num_boosted_rounds(), rounds):
        if patience and _stalled(history, patience):
            break
        if number and number % STRETCH == 0:
            if checkpoints:
                checkpoints.save(booster, history)
            booster = _begin(parameters, booster.save_raw(), train, validation)
        booster.update(train, iteration=number)
        if validation is not None:
            history.append(float(booster.eval(validation, iteration=number).rpartition(":")[2]))
    return booster[: history.index(min(history)) + 1] if patience else booster


def _begin(
    parameters: Mapping[str, Any], model: bytearray | None, train: xgboost.DMatrix, validation: xgboost.DMatrix | None
) -> xgboost.Booster:
    """A booster at the beginning of a stretch."""
    matrices = [train] if validation is None else [train, validation]
    booster = xgboost.Booster(dict(parameters), matrices, model_file=model)
    booster.set_param({"seed": parameters["seed"] + booster.num_boosted_rounds()})
    return booster


def _stalled(history: list[float], patience: int) -> bool:
    return bool(history) and len(history) - 1 - history.index(min(history)) >= patience
