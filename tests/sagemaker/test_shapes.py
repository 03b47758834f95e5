"""Requests checked and coerced by botocore's model."""

import pytest

from sandbox.sagemaker import shapes
from sandbox.sagemaker.errors import ServiceError

VARIANT = {"VariantName": "a", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def problem(operation, params):
    with pytest.raises(ServiceError) as caught:
        shapes.validate(operation, params)
    assert caught.value.code == "ValidationException"
    return caught.value.message


def test_a_good_request_passes():
    shapes.validate("CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": [VARIANT]})


def test_a_missing_member_is_named():
    assert "EndpointConfigName" in problem("CreateEndpoint", {"EndpointName": "e"})


def test_an_unknown_member_is_named():
    assert "Weight" in problem("DescribeEndpoint", {"EndpointName": "e", "Weight": 1})


def test_an_enum_deep_in_a_request_is_checked_and_its_path_given():
    variants = [VARIANT, {**VARIANT, "InstanceType": "ml.imaginary"}]
    message = problem("CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": variants})
    assert message.startswith("1 validation error detected: Value 'ml.imaginary' at 'productionVariants.2.member.")


def test_two_errors_are_both_told():
    params = {"EndpointName": "under_score", "EndpointConfigName": "also_bad"}
    assert problem("CreateEndpoint", params).startswith("2 validation errors detected: ")


def test_a_name_that_is_too_long_is_refused():
    assert "length less than or equal to 63" in problem("DescribeEndpoint", {"EndpointName": "e" * 64})


def test_texts_of_a_template_become_the_types_of_the_api():
    shape = shapes.input_shape("CreateEndpointConfig")
    given = {
        "EndpointConfigName": 7,
        "EnableNetworkIsolation": "true",
        "ProductionVariants": [{**VARIANT, "InitialInstanceCount": "2", "InitialVariantWeight": "0.5"}],
    }
    assert shapes.coerce(given, shape) == {
        "EndpointConfigName": "7",
        "EnableNetworkIsolation": True,
        "ProductionVariants": [{**VARIANT, "InitialInstanceCount": 2, "InitialVariantWeight": 0.5}],
    }


def test_a_property_that_the_api_does_not_know_is_refused_with_its_path():
    shape = shapes.input_shape("CreateEndpointConfig")
    with pytest.raises(ValueError, match=r"unsupported property ProductionVariants\.Wieght"):
        shapes.coerce({"ProductionVariants": [{"Wieght": 1}]}, shape)
