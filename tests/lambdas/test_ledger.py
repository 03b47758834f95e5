"""The ledger against DynamoDB's conditions and transactions (moto)."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lambdas.aws import ledger, settings
from lambdas.aws.clients import client
from slipway import codec, stored
from slipway import release as rel
from slipway.release import Entry, Release
from tests.lambdas import world as worlds
from tests.lambdas.world import TABLE, World


def line(release: Release, what: str = "CREATED") -> Entry:
    return rel.entry(release, what, "test", 1.0, "because")


def test_what_is_created_can_be_read_and_owns_its_endpoint(world: World, release: Release) -> None:
    assert ledger.create(release, line(release))
    assert ledger.release(release.id) == release
    assert ledger.in_progress("fraud") == release.id
    assert ledger.history(release.id) == [line(release)]


def test_a_second_release_of_an_endpoint_is_not_created(world: World, release: Release) -> None:
    second = worlds.release(id="fraud.8.aaaaaa")
    assert ledger.create(release, line(release))
    assert not ledger.create(second, line(second))
    assert ledger.find(second.id) is None and ledger.history(second.id) == []
    assert ledger.in_progress("fraud") == release.id


def test_a_release_is_not_created_twice_even_when_its_endpoint_is_free_again(world: World, release: Release) -> None:
    ledger.create(release, line(release))
    ended = ledger.write(rel.rolled_back(rel.roll_back(release, 1.0, "bad"), 2.0))
    assert not ledger.create(release, line(release))
    assert ledger.release(release.id) == ended


def test_releases_of_different_endpoints_do_not_meet(world: World, release: Release) -> None:
    other = replace(worlds.release(id="churn.1.aaaaaa"), endpoint="churn")
    assert ledger.create(release, line(release)) and ledger.create(other, line(other))
    assert (ledger.in_progress("fraud"), ledger.in_progress("churn")) == (release.id, other.id)


def test_of_two_writers_who_read_the_same_version_exactly_one_wins(world: World, release: Release) -> None:
    ledger.create(release, line(release))
    judge, alarm = ledger.release(release.id), ledger.release(release.id)
    written = ledger.write(rel.roll_back(alarm, 2.0, "alarm"), line(alarm, "ROLLING_BACK"))
    with pytest.raises(ledger.StaleRelease, match="changed after version 0 was read"):
        ledger.write(rel.advance(judge, 2.0, "fine"), line(judge, "SHADOW"))
    assert ledger.release(release.id) == written and written.version == 1
    assert [entry.what for entry in ledger.history(release.id)] == ["CREATED", "ROLLING_BACK"]


def test_two_transactions_at_the_same_moment_are_a_stale_release(world: World, release: Release) -> None:
    ledger.create(release, line(release))
    error = {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"}
    reasons = {"CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}]}
    answer = (SimpleNamespace(status_code=400), {"Error": error, **reasons})
    events = client("dynamodb").meta.events
    events.register_first("before-call.dynamodb.TransactWriteItems", lambda **_: answer, unique_id="conflict")
    try:
        with pytest.raises(ledger.StaleRelease, match="same moment"):
            ledger.write(release)
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", unique_id="conflict")


def test_other_failures_of_a_transaction_are_no_stale_release(world: World, release: Release) -> None:
    world.wire.refuse("transact_write_items")
    with pytest.raises(client("dynamodb").exceptions.ClientError, match="Rate exceeded"):
        ledger.create(release, line(release))


def test_an_ended_release_frees_its_endpoint(world: World, release: Release) -> None:
    ledger.create(release, line(release))
    ledger.write(rel.rolled_back(rel.roll_back(release, 1.0, "bad"), 2.0))
    assert ledger.in_progress("fraud") is None
    second = worlds.release(id="fraud.8.aaaaaa")
    assert ledger.create(second, line(second))


def test_an_ended_release_does_not_free_an_endpoint_that_another_one_owns(world: World, release: Release) -> None:
    ledger.create(release, line(release))
    lock = {"pk": {"S": "ENDPOINT#fraud"}, "sk": {"S": "LOCK"}, "release_id": {"S": "fraud.8.aaaaaa"}}
    client("dynamodb").put_item(TableName=TABLE, Item=lock)
    with pytest.raises(ledger.StaleRelease):
        ledger.write(rel.rolled_back(rel.roll_back(release, 1.0, "bad"), 2.0))
    assert ledger.in_progress("fraud") == "fraud.8.aaaaaa"


def test_history_comes_oldest_first_also_beyond_the_tenth_version_and_one_page(world: World, release: Release) -> None:
    ledger.create(release, line(release, "0"))
    known = release
    for number in range(1, 12):
        known = ledger.write(known, replace(line(known, str(number)), reason="long " * 40_000))
    assert [entry.what for entry in ledger.history(release.id)] == [str(number) for number in range(12)]
    assert len(world.wire.made("query")) > 1


def test_a_write_without_a_line_leaves_the_history_alone(world: World, release: Release) -> None:
    ledger.create(release, line(release))
    ledger.write(ledger.write(release))
    assert len(ledger.history(release.id)) == 1 and ledger.release(release.id).version == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"phase": "SHIPPED"}, "Release.phase: 'SHIPPED' is not one of"),
        ({"colour": "red"}, "Release.colour: unknown key"),
        ({"step": "2"}, "Release.step: expected int"),
        ({"plan": None}, "Release.plan: expected an object"),
    ],
)
def test_a_corrupt_item_is_an_error_that_names_its_path(
    world: World, release: Release, change: dict[str, object], says: str
) -> None:
    text = json.dumps({**codec.encode(release), **change})
    key = {"pk": {"S": "ENDPOINT#fraud"}, "sk": {"S": f"RELEASE#{release.id}"}}
    client("dynamodb").put_item(TableName=TABLE, Item={**key, "document": {"S": text}})
    with pytest.raises(stored.Unreadable, match=says):
        ledger.release(release.id)


def test_a_frame_is_kept_until_it_is_deleted_and_releases_stay(world: World, release: Release) -> None:
    ledger.create(release, line(release))
    ledger.put_first("fraud", {"Image": "i"})
    assert ledger.frame("fraud") == worlds.FRAME and ledger.first("fraud") == {"Image": "i"}
    ledger.delete_frame("fraud")
    for read in (ledger.frame, ledger.first):
        with pytest.raises(ledger.NotFound, match="endpoint fraud has no"):
            read("fraud")
    assert ledger.in_progress("fraud") is None
    assert ledger.release(release.id) == release and len(ledger.history(release.id)) == 1


def test_an_unknown_release_says_what_an_id_looks_like(world: World) -> None:
    assert ledger.find("fraud.1.000000") is None
    with pytest.raises(ledger.NotFound, match=r"no release fraud.1.000000; its id looks like fraud.7.3fa2c1"):
        ledger.release("fraud.1.000000")


def test_reads_see_every_earlier_write(world: World) -> None:
    ledger.in_progress("fraud")
    assert [call["ConsistentRead"] for call in world.wire.made("get_item")] == [True]


def test_a_function_without_its_settings_says_which_one_is_missing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEDGER_TABLE")
    with pytest.raises(settings.NotConfigured, match="LEDGER_TABLE is not set; redeploy"):
        ledger.in_progress("fraud")
