"""Notifications and events, and how a change is recorded before anybody is told."""

import json
from dataclasses import replace

import pytest
from botocore.exceptions import EndpointConnectionError

from lambdas.aws import ledger, notify, record
from slipway import message
from slipway import release as rel
from tests.lambdas.wire import Made
from tests.lambdas.world import World


def test_a_subject_is_at_most_100_ascii_characters_on_one_line(world: World) -> None:
    notify.publish("PROMOTED: frä\nud " + "x" * 200, "ünchanged\nbody")
    (message,) = world.wire.made("publish")
    assert message["Subject"].startswith("PROMOTED: fr? ud xxx") and len(message["Subject"]) == 100
    assert message["Subject"].isascii() and message["Message"] == "ünchanged\nbody"
    assert message["TopicArn"] == world.topic


def test_an_event_is_ours_and_carries_its_detail(world: World) -> None:
    notify.emit("Release Promoted", {"release_id": "fraud.7.3fa2c1"})
    ((entry,),) = (call["Entries"] for call in world.wire.made("put_events"))
    assert (entry["Source"], entry["DetailType"]) == ("slipway", "Release Promoted")
    assert json.loads(entry["Detail"]) == {"release_id": "fraud.7.3fa2c1"}


class FullBus:
    def put_events(self, **_: object) -> dict[str, object]:
        return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}


def test_an_event_that_the_bus_refuses_is_an_error(world: World) -> None:
    world.wire.fakes["events"] = FullBus()
    with pytest.raises(RuntimeError, match=r"EventBridge refused Release Promoted: .*Throttling"):
        notify.emit("Release Promoted", {})


def test_people_are_told_what_the_ledger_holds(world: World) -> None:
    known = world.release()
    begun = rel.advance(known, world.clock.at, "approved")
    written = record.record(begun, rel.entered(begun, "admission"))
    assert ledger.release(known.id) == written
    assert [call.method for call in world.wire.calls[:2]] == ["transact_write_items", "publish"]
    assert world.told() == [f"STARTED: fraud release {known.id} in shadow"]


def test_nobody_is_told_of_a_change_that_somebody_was_faster_with(world: World) -> None:
    known = world.release()
    ledger.write(rel.roll_back(known, world.clock.at, "alarm"))
    begun = rel.advance(known, world.clock.at, "approved")
    with pytest.raises(ledger.StaleRelease):
        record.record(begun, rel.entered(begun, "admission"))
    assert world.told() == []


def test_a_change_nobody_needs_to_hear_of_is_quiet(world: World) -> None:
    known = world.release()
    record.record(known, rel.entry(known, "verdict", "judge", 1.0, "fine"), tell=False)
    assert world.told() == []


def test_a_change_stands_and_goes_on_although_nobody_could_be_told(world: World) -> None:
    known = world.release()

    def unreachable(call: Made) -> None:
        if call.method == "publish":
            raise EndpointConnectionError(endpoint_url="https://sns")

    world.wire.before = unreachable
    written = record.record(rel.roll_back(known, 1.0, "bad"), rel.entered(known, "judge"))
    assert ledger.release(known.id) == written
    world.wire.refuse("publish", "KMSDisabledException", "key is disabled")
    assert record.record(written, rel.entered(written, "judge")).version == written.version + 1


def test_the_message_of_a_releases_begin_says_how_long_its_steps_take_and_later_ones_do_not(world: World) -> None:
    known = replace(world.release(), outlook="at 3 requests/s; canary 25 % advances after 13 min")
    begun = rel.advance(known, 1.0, "test")
    said = known.outlook.replace("; ", "\n")
    assert said in message.body(begun, rel.entered(begun, "admission"))
    assert said not in message.body(begun, rel.entry(begun, "verdict", "judge", 2.0, "held"))
    later = rel.advance(begun, 3.0, "test")
    assert said not in message.body(later, rel.entered(later, "judge"))
