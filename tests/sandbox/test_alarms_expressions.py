"""Metric math, on its own."""

import pytest

from sandbox.aws.expressions import ExpressionError, compile_expression

POINT = {"e": 3.0, "n": 60.0, "none": None, "zero": 0.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("e / n * 100", 5.0),
        ("1 + 2 * 3 ^ 2", 19.0),
        ("-(e - n)", 57.0),
        ("10 - 3 - 2", 5.0),
        ("e > 2", 1.0),
        ("e > 2 AND n < 2", 0.0),
        ("e > 2 || n < 2", 1.0),
        ("IF(n >= 50, e / n, 0)", 0.05),
        ("IF(n < 50, e / n, 0)", 0.0),
        ("FILL(none, 0) + e", 3.0),
        ("MAX(e, n, none)", 60.0),
        ("AVG(e, n)", 31.5),
        ("CEIL(e / 2)", 2.0),
    ],
)
def test_an_expression_has_its_value(text, value):
    assert compile_expression(text)(POINT) == pytest.approx(value)


@pytest.mark.parametrize("text", ["e + none", "e / zero", "IF(none > 1, 1, 2)", "MAX(none)"])
def test_missing_values_and_divisions_by_zero_give_nothing(text):
    assert compile_expression(text)(POINT) is None


@pytest.mark.parametrize("text", ["", "e +", "(e", "e n", "SEARCH('x', 'Sum', 60)", "IF(e)", "__import__('os')", "e.x"])
def test_what_is_not_metric_math_is_refused(text):
    with pytest.raises(ExpressionError):
        compile_expression(text)


def test_an_unknown_id_is_named():
    with pytest.raises(ExpressionError, match="'m9'"):
        compile_expression("m9 + 1")(POINT)
