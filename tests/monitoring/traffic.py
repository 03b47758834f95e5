"""Captured lines as SageMaker writes them, and much worse ones."""

import base64
import json
from typing import Any

from hypothesis import strategies as st

from slipway import names
from slipway.drift.reference import Feature, Kind, Reference

REFERENCE = Reference(
    id="r1",
    package="arn:aws:sagemaker:us-east-1:123456789012:model-package/fraud/1",
    features=(
        Feature("amount", edges=(-1.0, 0.0, 0.5, 10.0)),
        Feature("job", Kind.CATEGORY, levels=("clerk", "São Paulo", "3", "it's")),
        Feature("constant", edges=(7.0, 7.000000000000001), integral=True),
        Feature("nothing"),
    ),
    scores=Feature("score", edges=(0.1, 0.5, 0.9)),
)
NOON = 1776513600.0  # 2026-04-18T12:00:00Z
WINDOW = (NOON, NOON + 300)


def payload(data: Any, encoding: str = "CSV", content_type: str = "text/csv; charset=utf-8") -> dict[str, Any]:
    text = data if isinstance(data, str) else json.dumps(data)
    if encoding == "BASE64":
        text = base64.b64encode(text.encode()).decode()
    return {"observedContentType": content_type, "mode": "INPUT", "data": text, "encoding": encoding}


def line(
    request: Any = "1,clerk,7,2",
    answer: Any = "0.25",
    *,
    encoding: str = "CSV",
    content_type: str = "text/csv; charset=utf-8",
    time: Any = "2026-04-18T12:00:01Z",
    event: str = "e1",
    inference: str = "",
) -> str:
    captured: dict[str, Any] = {"endpointInput": payload(request, encoding, content_type)}
    if answer is not None:
        captured["endpointOutput"] = payload(answer, "CSV" if isinstance(answer, str) else "JSON")
    metadata = {"eventId": event, **({"inferenceId": inference} if inference else {}), "inferenceTime": time}
    return json.dumps({"captureData": captured, "eventMetadata": metadata, "eventVersion": "0"}, ensure_ascii=False)


NUMBERS = [
    "0",
    "-0.0",
    "0.5",
    "10",
    "9.999999999999999",
    "1e3",
    " 4",
    "+2",
    "1_000",
    ".5",
    "-1",
    "7",
    "7.000000000000001",
]
ODDITIES = [
    "",
    " ",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "1e400",
    "1e101",
    "+-9",
    "++1",
    "x",
    "0x10",
    "٣",
    "\u00a05",
    "NULL",
]
LEVELS = [
    "clerk",
    " clerk ",
    "São Paulo",
    "it's",
    "3",
    "3.0",
    "3.",
    "03",
    "3.5",
    "nurse",
    "naïve",
    "",
    "nan",
    "absent",
    "a_b",
]
values = st.sampled_from([*NUMBERS, *ODDITIES, *LEVELS]) | st.floats(width=32).map(repr) | st.integers().map(str)
rows = st.lists(values, min_size=1, max_size=6).map(",".join) | st.tuples(*[values] * 4).map(",".join)
json_values = st.none() | st.booleans() | st.integers() | st.floats() | values | st.just([1]) | st.just({"a": 1})
json_rows = st.lists(json_values, max_size=6) | st.dictionaries(
    st.sampled_from(["amount", "job", "constant", "nothing", "unknown"]), json_values
)
answers = st.sampled_from(["0.25", "0.5", "", "1,2", "0.1\n0.9", "nan", "high", "+-1", "1_0", "2", " 0.9 ", "٣"])
times = st.sampled_from(
    ["2026-04-18T12:00:01Z"] * 4
    + ["2026-04-18T12:04:59.5Z", "2026-04-18T14:00:01+02:00", "2026-04-18T23:00:00Z", "2026-02-30T12:00:00Z"]
    + ["2026-04-18T12:00:60Z", "2026-4-018T12:0:001Z", "{%s}", "", None, 5]
)
json_documents = st.fixed_dictionaries({"instances": st.lists(json_rows, max_size=3)}) | json_rows | st.lists(json_rows)
callers = st.sampled_from(["", "", "", "mine", f"{names.PROBE_ID}-baseline-1"])
csv_lines = st.builds(
    line,
    rows | st.lists(rows, max_size=3).map("\n".join) | st.text(max_size=20),
    answers,
    time=times,
    inference=callers,
)
json_lines = st.builds(
    line,
    json_documents,
    answers | st.none() | st.just({"predictions": [{"score": 0.7}]}),
    time=times,
    inference=callers,
    encoding=st.sampled_from(["JSON", "BASE64", "CSV"]),
    content_type=st.sampled_from(["application/json", "text/csv", "image/png"]),
)
NOON_METADATA = '"eventMetadata": {"inferenceTime": "2026-04-18T12:00:00Z"}'
broken = st.sampled_from(
    ["", "  ", "{", "[]", "5", "null", "\u2028", '{"captureData": {}}', '{"captureData": null, "eventMetadata": {}}']
    + [
        f'{{"captureData": {{"endpointInput": {captured}}}, {NOON_METADATA}}}'
        for captured in ('"x"', '{"data": 5, "encoding": "CSV"}')
    ]
)
lines = st.lists(csv_lines | csv_lines | csv_lines | json_lines | broken, max_size=12)
plain_lines = st.lists(
    st.builds(
        line, st.tuples(*[values] * 4).map(",".join), st.sampled_from(["0.25", "0.95", "0.5"]), inference=callers
    ),
    max_size=20,
)
