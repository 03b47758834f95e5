"""CloudWatch metric math for alarms and GetMetricData: arithmetic, comparisons, IF, FILL and a few functions.

An expression is compiled once and then evaluated a data point at a time. A missing value makes the result missing,
and so does a division by zero, as on AWS. Nothing is handed to `eval`.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

Value = float | None
Point = Mapping[str, Value]
Node = Callable[[Point], Value]

_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(<=|>=|==|!=|&&|\|\||[-+*/^(),<>]))")
_LEVELS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"OR": lambda a, b: float(bool(a) or bool(b)), "||": lambda a, b: float(bool(a) or bool(b))},
    {"AND": lambda a, b: float(bool(a) and bool(b)), "&&": lambda a, b: float(bool(a) and bool(b))},
    {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
    {"^": operator.pow},
)
_OVER_PRESENT: dict[str, Callable[[list[float]], float]] = {
    "MAX": max,
    "MIN": min,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}
_OF_ONE: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": lambda value: float(-(-value // 1)),
    "FLOOR": lambda value: float(value // 1),
}


class ExpressionError(ValueError):
    """An expression that isn't metric math, or uses a part of it the sandbox does not have."""


@lru_cache(maxsize=512)
def compile_expression(text: str) -> Node:
    """A function from a data point ({id: value or None}) to the expression's value. Raises ExpressionError."""
    parser = _Parser(text)
    node = parser.level(0)
    if parser.peek():
        raise ExpressionError(f"unexpected {parser.peek()!r} in the expression {text!r}")
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens(text)
        self.at = 0

    @staticmethod
    def _tokens(text: str) -> list[str]:
        tokens, at = [], 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if not match:
                raise ExpressionError(f"unexpected {text[at:].strip()[0]!r} in the expression {text!r}")
            tokens.append(next(part for part in match.groups() if part is not None))
            at = match.end()
        return tokens

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.peek()
        if not token or wanted not in (None, token):
            raise ExpressionError(f"expected {wanted or 'a value'} but found {token!r} in the expression {self.text!r}")
        self.at += 1
        return token

    def level(self, index: int) -> Node:
        """One precedence level of left-associative operators, loosest first."""
        if index == len(_LEVELS):
            return self.unary()
        node = self.level(index + 1)
        while self.peek() in _LEVELS[index]:
            node = _binary(_LEVELS[index][self.take()], node, self.level(index + 1))
        return node

    def unary(self) -> Node:
        if self.peek() == "-":
            self.take()
            return _binary(operator.sub, lambda _: 0.0, self.unary())
        return self.operand()

    def operand(self) -> Node:
        part = self.take()
        if part == "(":
            node = self.level(0)
            self.take(")")
            return node
        if part[0].isdigit():
            number = float(part)
            return lambda _: number
        if not (part[0].isalpha() or part[0] == "_"):
            raise ExpressionError(f"unexpected {part!r} in the expression {self.text!r}")
        return self.call(part) if self.peek() == "(" else _reference(part)

    def call(self, name: str) -> Node:
        self.take("(")
        arguments = [self.level(0)]
        while self.peek() == ",":
            self.take()
            arguments.append(self.level(0))
        self.take(")")
        return _call(name.upper(), arguments, self.text)


def _reference(name: str) -> Node:
    def read(point: Point) -> Value:
        try:
            return point[name]
        except KeyError:
            raise ExpressionError(f"no metric has the id {name!r}") from None

    return read


def _binary(function: Callable[[float, float], float], left: Node, right: Node) -> Node:
    def apply(point: Point) -> Value:
        a, b = left(point), right(point)
        if a is None or b is None:
            return None
        try:
            return float(function(a, b))
        except (ZeroDivisionError, OverflowError):
            return None

    return apply


def _call(name: str, arguments: list[Node], text: str) -> Node:
    if name == "IF" and len(arguments) == 3:
        condition, yes, no = arguments
        return lambda point: None if (c := condition(point)) is None else (yes if c else no)(point)
    if name == "FILL" and len(arguments) == 2:
        series, filler = arguments
        return lambda point: filler(point) if (value := series(point)) is None else value
    if name in _OVER_PRESENT:
        combine = _OVER_PRESENT[name]

        def over(point: Point) -> Value:
            present = [value for argument in arguments if (value := argument(point)) is not None]
            return float(combine(present)) if present else None

        return over
    if name in _OF_ONE and len(arguments) == 1:
        (argument,) = arguments
        function = _OF_ONE[name]
        return lambda point: None if (value := argument(point)) is None else float(function(value))
    raise ExpressionError(f"the sandbox's metric math has no {name} of {len(arguments)} arguments: {text!r}")
