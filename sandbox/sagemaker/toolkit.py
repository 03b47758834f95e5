"""The contract between SageMaker and a script-mode container: directories under /opt/ml, SM_* variables, arguments.

Source: the SageMaker training toolkit's documented environment (ENVIRONMENT_VARIABLES.md of aws/sagemaker-training-
toolkit). Every job runs on one host, `algo-1`, without GPUs.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "algo-1"
ROOT = "/opt/ml"
_RESERVED = "sagemaker_"


@dataclass(frozen=True)
class Layout:
    """The directories of /opt/ml, below a base of this machine's."""

    base: Path

    def make(self) -> None:
        for path in (self.config, self.data, self.model, self.output_data, self.code):
            path.mkdir(parents=True, exist_ok=True)

    @property
    def input(self) -> Path:
        return self.base / "input"

    @property
    def config(self) -> Path:
        return self.input / "config"

    @property
    def data(self) -> Path:
        return self.input / "data"

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def output(self) -> Path:
        return self.base / "output"

    @property
    def output_data(self) -> Path:
        return self.output / "data"

    @property
    def code(self) -> Path:
        return self.base / "code"

    def channel(self, name: str) -> Path:
        return self.data / name

    def local(self, path: str) -> Path:
        """What stands for a path below /opt/ml."""
        return self.base / path.removeprefix(ROOT).lstrip("/")

    def substituted(self, hyperparameters: dict[str, Any]) -> dict[str, Any]:
        """Hyperparameters with the paths that a script should find here."""
        return {
            key: str(self.local(value)) if str(value).startswith(f"{ROOT}/") else value
            for key, value in hyperparameters.items()
        }


def decoded(hyperparameters: dict[str, str]) -> dict[str, Any]:
    """Hyperparameters arrive as strings; those that are JSON mean what the JSON says."""
    return {key: _decode(value) for key, value in hyperparameters.items()}


def command(program: str, hyperparameters: dict[str, Any]) -> list[str]:
    """The script with its hyperparameters as `--key value`, sorted; the `sagemaker_` ones are the platform's own."""
    arguments: list[str] = []
    for key, value in sorted(_user(hyperparameters).items()):
        arguments += [f"-{key}" if len(key) == 1 else f"--{key}", _text(value)]
    return [sys.executable, program, *arguments]


def write_config(layout: Layout, hyperparameters: dict[str, str], channels: list[dict[str, Any]]) -> None:
    """The JSON files under /opt/ml/input/config."""
    documents = {
        "hyperparameters": hyperparameters,
        "inputdataconfig": _channel_config(channels),
        "resourceconfig": _resources(),
    }
    for name, document in documents.items():
        (layout.config / f"{name}.json").write_text(json.dumps(document))


def environment(layout: Layout, hyperparameters: dict[str, Any], channels: list[dict[str, Any]]) -> dict[str, str]:
    """The SM_* variables."""
    names = [channel["ChannelName"] for channel in channels]
    user, program = _user(hyperparameters), str(hyperparameters["sagemaker_program"])
    values: dict[str, Any] = {
        "channels": names,
        "current_host": HOST,
        "hosts": [HOST],
        "hps": user,
        "input_config_dir": str(layout.config),
        "input_data_config": _channel_config(channels),
        "input_dir": str(layout.input),
        "is_master": True,
        "job_name": hyperparameters.get("sagemaker_job_name", ""),
        "log_level": hyperparameters.get("sagemaker_container_log_level", 20),
        "master_hostname": HOST,
        "model_dir": str(layout.model),
        "module_dir": str(hyperparameters.get("sagemaker_submit_directory", layout.code)),
        "module_name": Path(program).stem,
        "network_interface_name": "lo",
        "num_cpus": os.cpu_count() or 1,
        "num_gpus": 0,
        "output_data_dir": str(layout.output_data),
        "output_dir": str(layout.output),
        "resource_config": _resources(),
        "user_entry_point": program,
    }
    variables = {f"SM_{key.upper()}": _text(value) for key, value in values.items()}
    variables |= {f"SM_CHANNEL_{name.upper()}": str(layout.channel(name)) for name in names}
    variables |= {f"SM_HP_{key.upper()}": _text(value) for key, value in user.items()}
    variables["SM_USER_ARGS"] = json.dumps(command(program, hyperparameters)[2:])
    paths = {name: str(layout.channel(name)) for name in names}
    variables["SM_TRAINING_ENV"] = json.dumps({**values, "channel_input_dirs": paths, "hyperparameters": user})
    return variables


def _user(hyperparameters: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in hyperparameters.items() if not key.startswith(_RESERVED)}


def _decode(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _resources() -> dict[str, Any]:
    return {"current_host": HOST, "hosts": [HOST], "network_interface_name": "lo"}


def _channel_config(channels: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    return {
        channel["ChannelName"]: {
            "TrainingInputMode": channel.get("InputMode", "File"),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        for channel in channels
    }
