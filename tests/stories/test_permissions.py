"""What is deployed is what is written, and each function may do what its own role allows, no more."""

import json
import re
import time
from typing import Any

import pytest

from infra.promotion import DEFINITION
from slipway import names
from tests.stories.site import Site, until

pytestmark = pytest.mark.sandbox
STEPS = {"Admit": "admit", "Shift": "shift", "Judge": "judge", "Settle": "settle", "RollBack": "roll_back"}
VERBS = [*STEPS.values(), "operate"]  # those that begin with a look at a release


def test_the_deployed_state_machine_is_the_file_with_its_holes_filled(site: Site) -> None:
    functions = site.client("lambda")
    arns = {hole: functions.get_function(FunctionName=names.function(verb)) for hole, verb in STEPS.items()}
    filled = {hole: found["Configuration"]["FunctionArn"] for hole, found in arns.items()}
    filled["Promotion"] = site.machine()
    [filled["Topic"]] = [
        topic["TopicArn"]
        for topic in site.client("sns").list_topics()["Topics"]
        if topic["TopicArn"].endswith(f":{names.TOPIC}")
    ]
    written = re.sub(r"\$\{(\w+)\}", lambda hole: filled[hole[1]], DEFINITION.read_text())
    deployed = site.client("stepfunctions").describe_state_machine(stateMachineArn=site.machine())["definition"]
    assert json.loads(deployed) == json.loads(written)


def test_every_function_has_a_role_of_its_own(site: Site) -> None:
    found = site.client("lambda").get_paginator("list_functions").paginate().build_full_result()["Functions"]
    roles = {f["FunctionName"]: f["Role"] for f in found if f["FunctionName"].startswith(f"{names.PREFIX}-")}
    assert roles.keys() >= {names.function(verb) for verb in (*VERBS, "frame")}
    assert len(set(roles.values())) == len(roles)


@pytest.mark.parametrize("verb", VERBS)
def test_a_function_that_lost_its_rights_is_refused(site: Site, verb: str) -> None:
    assert "AccessDenied" not in json.dumps(ask(site, verb))
    iam = site.client("iam")
    role = role_of(site, verb)
    policies = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = {p: iam.get_role_policy(RoleName=role, PolicyName=p)["PolicyDocument"] for p in policies}
    try:
        for policy in policies:
            iam.delete_role_policy(RoleName=role, PolicyName=policy)
        refused = until(lambda: denial(ask(site, verb)), f"{verb} is refused", within=10)
    finally:
        for policy, document in documents.items():
            iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
    assert "dynamodb:GetItem" in refused
    assert f"assumed-role/{role}/" in refused
    assert "AccessDenied" not in json.dumps(ask(site, verb))


def role_of(site: Site, verb: str) -> str:
    found = site.client("lambda").get_function(FunctionName=names.function(verb))
    return str(found["Configuration"]["Role"].rsplit("/", 1)[-1])


def ask(site: Site, verb: str) -> Any:
    """Something harmless that begins with a look into the ledger: a release that does not exist."""
    event: dict[str, Any] = {"release_id": f"fraud.0.{time.time_ns() % 0xFFFFFF:06x}"}
    if verb == "admit":
        event = {"input": event, "execution": "by hand"}
    if verb == "operate":
        event |= {"act": "pause", "by": "ana@example.com", "reason": "a question"}
    answer = site.client("lambda").invoke(FunctionName=names.function(verb), Payload=json.dumps(event))
    return json.load(answer["Payload"])


def denial(answer: Any) -> str:
    text = json.dumps(answer)
    return text if "AccessDenied" in text else ""
