"""Models and endpoint configs through the API: what is accepted, what is refused, and with which words."""

from typing import Any

import pytest

from tests.sagemaker.support import BUCKET, IMAGE, refused

pytestmark = pytest.mark.sandbox
ARN = "arn:aws:sagemaker:us-east-1:123456789012"


def variant(name: str, model: str = "Model-a", **more: Any) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        **more,
    }


def test_a_model_is_described_as_it_was_made(sagemaker, model, role):
    described = sagemaker.describe_model(ModelName=model)
    assert described["ModelArn"] == f"{ARN}:model/model-a"
    assert described["PrimaryContainer"]["Image"] == IMAGE
    assert described["ExecutionRoleArn"] == role


def test_a_second_model_of_the_same_name_is_refused(sagemaker, model):
    assert refused(sagemaker.create_model, ModelName=model, PrimaryContainer={"Image": IMAGE}) == (
        "ValidationException",
        f'Cannot create already existing model "{ARN}:model/model-a".',
    )


def test_a_model_whose_artifact_is_missing_is_refused(sagemaker, role, s3):
    url = f"s3://{BUCKET}/models/none.tar.gz"
    container = {"Image": IMAGE, "ModelDataUrl": url}
    error = refused(sagemaker.create_model, ModelName="m-none", PrimaryContainer=container, ExecutionRoleArn=role)
    assert error == ("ValidationException", f"Could not find model data at {url}.")


def test_a_model_whose_role_may_not_read_the_artifact_is_refused(sagemaker, make_role, s3):
    blind = make_role("blind", [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}])
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/models/a/model.tar.gz"}
    code, message = refused(
        sagemaker.create_model, ModelName="m-blind", PrimaryContainer=container, ExecutionRoleArn=blind
    )
    assert code == "ValidationException"
    assert message.startswith("Could not access model data at s3://")
    assert '"s3:GetObject"' in message


def test_a_missing_model_is_named_by_its_arn(sagemaker):
    assert refused(sagemaker.describe_model, ModelName="nobody")[1] == f'Could not find model "{ARN}:model/nobody".'


@pytest.mark.parametrize(
    ("production", "shadow", "words"),
    [
        ([variant("a", "nobody")], [], "Could not find model"),
        ([variant("a"), variant("a")], [], "must be unique"),
        ([variant(f"v{n}") for n in range(11)], [], "less than or equal to 10|between 1 and 10"),
        ([variant("a"), variant("b")], [variant("s")], "exactly one production variant and one shadow"),
        ([variant("a")], [variant("s"), variant("t")], "exactly one production variant and one shadow"),
        ([variant("a")], [variant("a")], "must be unique"),
        ([variant("a", InitialInstanceCount=0)], [], "at least 1|greater than or equal|valid min"),
    ],
)
def test_a_config_that_sagemaker_would_refuse_is_refused(gateway, model, production, shadow, words):
    import re

    from botocore.config import Config

    client = gateway.client("sagemaker", Config(parameter_validation=False))
    more = {"ShadowProductionVariants": shadow} if shadow else {}
    code, message = refused(
        client.create_endpoint_config, EndpointConfigName="bad", ProductionVariants=production, **more
    )
    assert code == "ValidationException"
    assert re.search(words, message)


def test_a_name_that_breaks_the_pattern_is_refused_as_the_service_does(sagemaker, model):
    code, message = refused(
        sagemaker.create_endpoint_config, EndpointConfigName="has_underscore", ProductionVariants=[variant("a")]
    )
    assert code == "ValidationException"
    assert message.startswith(
        "1 validation error detected: Value 'has_underscore' at 'endpointConfigName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern:"
    )


def test_a_weight_not_given_is_one(sagemaker, model):
    sagemaker.create_endpoint_config(EndpointConfigName="plain", ProductionVariants=[variant("a")])
    described = sagemaker.describe_endpoint_config(EndpointConfigName="plain")
    assert described["ProductionVariants"][0]["InitialVariantWeight"] == 1.0


def test_lists_are_paged_filtered_and_survive_deletions_between_pages(sagemaker, make_config):
    names = [make_config(f"page-{number}", {"a": 1}) for number in range(7)]
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = sagemaker.list_endpoint_configs(MaxResults=2, NameContains="PAGE-", SortBy="Name", **token)
        found = [config["EndpointConfigName"] for config in page["EndpointConfigs"]]
        seen += found
        for name in found:
            sagemaker.delete_endpoint_config(EndpointConfigName=name)
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == sorted(names, reverse=True)


def test_tags_are_kept_changed_and_dropped(sagemaker, make_config):
    make_config("tagged", {"a": 1}, Tags=[{"Key": "slipway:endpoint", "Value": "fraud"}])
    arn = f"{ARN}:endpoint-config/tagged"
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "risk"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["slipway:endpoint"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "risk"}]
    sagemaker.delete_endpoint_config(EndpointConfigName="tagged")
    assert refused(sagemaker.list_tags, ResourceArn=arn)[0] == "ValidationException"


def test_an_operation_that_the_sandbox_lacks_says_so(sagemaker):
    code, message = refused(sagemaker.list_notebook_instances)
    assert (code, message) == (
        "UnknownOperationException",
        "The sandbox has no operation ListNotebookInstances.",
    )
