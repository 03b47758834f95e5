"""Slipway deployed in a sandbox, as its users see and handle it: the ledger, the endpoint, the commands."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sandbox.demo.world import ENDPOINT, World
from slipway import names

POLL = 0.05  # real seconds
PATIENCE = 150.0  # real seconds, for a machine that does other things too
AWS = Path(sys.executable).parent / "aws"
T = TypeVar("T")


def until(question: Callable[[], T], what: str, within: float = PATIENCE) -> T:
    """The first true answer; fails after `within` real seconds."""
    deadline = time.monotonic() + within
    while not (answer := question()):
        assert time.monotonic() < deadline, f"after {within:.0f} s still not so: {what}"
        time.sleep(POLL)
    return answer


@dataclass
class Site:
    """champion, candidate: S3 addresses of two trained artifacts; settings: of the endpoint, as last deployed."""

    world: World
    champion: str
    candidate: str
    settings: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return self.world.sandbox.client(service)

    def now(self) -> float:
        """Virtual unix seconds."""
        return self.world.sandbox.clock.now()

    # The command lines

    def context(self) -> str:
        return "endpoints=" + json.dumps([self.world.endpoint(self.champion) | self.settings])

    def deploy(self, **settings: Any) -> None:
        self.settings |= settings
        self.world.cdk.deploy([self.world.endpoint(self.champion) | self.settings], self.world.say)

    def aws(self, *arguments: str) -> str:
        """What the stock AWS CLI prints; fails where the command does."""
        environment = {"PATH": str(AWS.parent), **self.world.sandbox.environment()}
        done = subprocess.run([AWS, *arguments], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"aws {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def operate(self, act: str, reason: str, by: str = "ana@example.com") -> dict[str, Any]:
        """An operator's act on the release in progress, as the notifications tell people to do it."""
        payload = json.dumps({"endpoint": ENDPOINT, "act": act, "by": by, "reason": reason})
        answer = self.world.out / "operate.json"
        told = self.aws("lambda", "invoke", "--function-name", "slipway-operate", "--payload", payload, str(answer))
        assert "FunctionError" not in told, answer.read_text()
        return dict(json.loads(answer.read_text()))

    # The ledger

    def releases(self, package: str | None = None) -> list[dict[str, Any]]:
        """All releases, or those of one package."""
        found = self._documents(f"ENDPOINT#{ENDPOINT}", "RELEASE#")
        return [release for release in found if package in (None, release["package"])]

    def release(self, release_id: str) -> dict[str, Any]:
        return next(release for release in self.releases() if release["id"] == release_id)

    def history(self, release_id: str) -> list[dict[str, Any]]:
        return self._documents(f"RELEASE#{release_id}", "HISTORY#")

    def frame(self) -> dict[str, Any]:
        return self._documents(f"ENDPOINT#{ENDPOINT}", "FRAME")[0]

    def in_progress(self) -> str | None:
        locks = self._items(f"ENDPOINT#{ENDPOINT}", "LOCK")
        return str(locks[0]["release_id"]["S"]) if locks else None

    # Releases

    def approve(self, kind: str = "good") -> str:
        """Registers and approves a candidate; the package's ARN."""
        package = self.world.register(self.candidate, kind)
        self.world.approve(package)
        return package

    def started(self, package: str) -> str:
        """The id of the release that a package has become."""
        return str(until(lambda: self.releases(package), f"{package} has become a release")[0]["id"])

    def reaches(self, release_id: str, phase: str, within: float = PATIENCE) -> dict[str, Any]:
        """The release in that phase, its traffic verified where the phase has any."""

        def there() -> dict[str, Any] | None:
            seen = self.release(release_id)
            judged = phase in ("SHADOW", "CANARY", "BAKE")
            return seen if seen["phase"] == phase and (seen["in_place_at"] or not judged) else None

        return until(there, f"{release_id} is {phase}", within)

    def in_shadow(self, kind: str = "good") -> str:
        release_id = self.started(self.approve(kind))
        self.reaches(release_id, "SHADOW")
        return release_id

    def in_canary(self, kind: str = "good") -> str:
        """A release that an operator has moved out of its shadow before its time."""
        release_id = self.in_shadow(kind)
        self.operate("advance", "the shadow was watched in staging")
        self.reaches(release_id, "CANARY")
        return release_id

    # The endpoint

    def endpoint(self) -> dict[str, Any]:
        return dict(self.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT))

    def config(self, name: str | None = None) -> dict[str, Any]:
        chosen = name or self.endpoint()["EndpointConfigName"]
        return dict(self.client("sagemaker").describe_endpoint_config(EndpointConfigName=chosen))

    def served(self) -> dict[str, str]:
        """Variant -> model, as the endpoint's config says it."""
        config = self.config()
        both = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]
        return {variant["VariantName"]: variant["ModelName"] for variant in both}

    def weight(self, role: str = names.CANDIDATE) -> float:
        return next((v["CurrentWeight"] for v in self.endpoint()["ProductionVariants"] if v["VariantName"] == role), 0)

    def routed(self, model: str) -> dict[str, Any]:
        """The data plane's counters of a model behind the candidate variant."""
        history = self.world.dataplane()["history"]
        return next(dict(c) for c in history if (c["variant"], c["model"]) == (names.CANDIDATE, model))

    def containers(self) -> dict[str, int]:
        """Variant -> process id of its container."""
        return {name: variant["pid"] for name, variant in self.world.dataplane()["variants"].items()}

    def lost(self) -> int:
        """Requests that users lost until now, by their own next report."""
        users = self.world.users
        assert users is not None
        begun = users.latest.get("seconds", 0)
        until(lambda: users.latest.get("seconds", 0) > begun + 1, "users report")
        return int(users.latest["lost"])

    # The rest of the account

    def switch(self, **fault: Any) -> dict[str, Any]:
        """Switches faults of SageMaker's control plane on, or without any all of them off; the state of all."""
        return self._faults(json.dumps(fault).encode())

    def switches(self) -> dict[str, Any]:
        """The switches as they are; one that fires once is off again once it has fired."""
        return self._faults(None)

    def messages(self) -> list[dict[str, Any]]:
        """Notifications so far, oldest first."""
        file = self.world.sandbox.logs / "notifications.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def machine(self, name: str = names.PROMOTION) -> str:
        """A state machine's ARN."""
        machines = self.client("stepfunctions").list_state_machines()["stateMachines"]
        return str(next(m["stateMachineArn"] for m in machines if m["name"] == name))

    def runs(self) -> list[dict[str, Any]]:
        """The endpoint's retraining runs."""
        return self._documents(f"ENDPOINT#{ENDPOINT}", "RUN#")

    def executions(self, text: str = "") -> list[dict[str, Any]]:
        """Descriptions of the executions whose input has a text, newest first."""
        states = self.client("stepfunctions")
        listed = states.list_executions(stateMachineArn=self.machine())["executions"]
        described = [states.describe_execution(executionArn=e["executionArn"]) for e in listed]
        return [execution for execution in described if text in execution["input"]]

    def start(self, **given: str) -> str:
        """Starts an execution of the promotion workflow by hand; its ARN."""
        started = self.client("stepfunctions").start_execution(stateMachineArn=self.machine(), input=json.dumps(given))
        return str(started["executionArn"])

    def _faults(self, body: bytes | None) -> dict[str, Any]:
        url = f"{self.world.sandbox.url}/_sandbox/sagemaker/faults"
        with urllib.request.urlopen(url, data=body, timeout=10) as answer:
            return dict(json.load(answer))

    def _documents(self, pk: str, sk: str) -> list[dict[str, Any]]:
        return [json.loads(item["document"]["S"]) for item in self._items(pk, sk)]

    def _items(self, pk: str, sk: str) -> list[dict[str, Any]]:
        pages = (
            self.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=names.LEDGER_TABLE,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
                ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": sk}},
                ConsistentRead=True,
            )
        )
        return [item for page in pages for item in page["Items"]]
