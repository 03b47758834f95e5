"""Pages of a list, whatever is deleted or added between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.sagemaker.errors import ServiceError
from sandbox.sagemaker.store import Table, listing, name_of


def rows(times):
    return [{"Name": f"n{index}", "CreationTime": time} for index, time in enumerate(times)]


def walk(everything, **params):
    """Names seen page after page; what was seen is deleted before the next page is read."""
    left, seen = list(everything), []
    token = {}
    while True:
        page = listing("Rows", left, "Name", {**params, **token})
        names = [row["Name"] for row in page["Rows"]]
        seen += names
        left = [row for row in left if row["Name"] not in names]
        if "NextToken" not in page:
            return seen
        token = {"NextToken": page["NextToken"]}


@given(
    times=st.lists(st.sampled_from([1.0, 2.5, 3.25]), max_size=25),
    size=st.integers(1, 7),
    by=st.sampled_from(["Name", "CreationTime"]),
    order=st.sampled_from(["Ascending", "Descending"]),
)
def test_every_row_is_seen_once_and_in_order_even_if_seen_rows_are_deleted(times, size, by, order):
    everything = rows(times)
    seen = walk(everything, MaxResults=size, SortBy=by, SortOrder=order)
    key = (lambda row: row["Name"]) if by == "Name" else (lambda row: (row["CreationTime"], row["Name"]))
    expected = sorted(everything, key=key, reverse=order == "Descending")
    assert seen == [row["Name"] for row in expected]


def test_rows_are_filtered_by_time_name_and_status():
    everything = [{**row, "Status": "Good" if index % 2 else "Bad"} for index, row in enumerate(rows([1.0, 2.0, 3.0]))]
    names = lambda **params: [row["Name"] for row in listing("Rows", everything, "Name", params)["Rows"]]  # noqa: E731
    assert names(StatusEquals="Good") == ["n1"]
    assert names(CreationTimeAfter=2.0) == ["n2", "n1"]
    assert names(NameContains="N2") == ["n2"]


def test_a_token_that_was_not_given_out_is_refused():
    with pytest.raises(ServiceError, match="Invalid NextToken"):
        listing("Rows", rows([1.0]), "Name", {"NextToken": "??"})


def test_a_name_is_found_by_its_arn_in_the_case_it_was_given_in():
    table = Table("thing", "thing")
    table.add("MixedCase", {"x": 1})
    assert table.arn("MixedCase").endswith(":thing/mixedcase")
    assert name_of(table.arn("MixedCase")) == "MixedCase"
    table.remove("MixedCase")
    assert name_of(table.arn("MixedCase")) is None
