"""Reading one event of the System Log: what is null, missing or odd is left out, and never stops the feed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teleport_okta.model.log_event import APP, APP_USER, GROUP, USER, LogEvent, Target
from teleport_okta.okta.fields import UnreadableFactError
from teleport_okta.okta.log_events import log_event

ROW = {
    "uuid": "2fe59500-a0ac-11f1-ae0a-95c6e5af725d",
    "eventType": "group.user_membership.add",
    "legacyEventType": "core.user_group_member.user_add",
    "published": "2026-01-05T09:00:01.250Z",
    "outcome": {"result": "SUCCESS", "reason": None},
    "actor": {"id": "00uADMIN", "type": "User", "alternateId": "admin@x.io"},
    "target": [
        {"id": "00gENG", "type": "UserGroup", "alternateId": "unknown", "displayName": "Engineering"},
        {"id": "00uADA", "type": "User", "alternateId": "ada@x.io", "displayName": "Ada"},
    ],
}


def read(**changes):
    """Read the row with some fields in another shape."""
    return log_event(ROW | changes)


def test_an_event_is_read_in_the_parts_that_say_what_changed():
    assert log_event(ROW) == LogEvent(
        uuid="2fe59500-a0ac-11f1-ae0a-95c6e5af725d",
        type="group.user_membership.add",
        published=datetime(2026, 1, 5, 9, 0, 1, 250_000, tzinfo=UTC),
        outcome="SUCCESS",
        targets=(Target("UserGroup", "00gENG"), Target("User", "00uADA")),
        legacy_type="core.user_group_member.user_add",
        actor="00uADMIN",
    )


@pytest.mark.parametrize("row", [None, [], "event", 7, True])
def test_a_row_that_is_not_an_object_is_not_an_event(row):
    with pytest.raises(UnreadableFactError, match="not an object"):
        log_event(row)


@pytest.mark.parametrize("uuid", [None, "", 7, [], {}, "\ud800"])
def test_an_event_without_a_uuid_is_read_all_the_same(uuid):
    assert read(uuid=uuid) == replace(log_event(ROW), uuid="")


@pytest.mark.parametrize("kind", [None, "", 7, [], {}, "\ud800"])
def test_an_event_without_either_type_cannot_be_read(kind):
    with pytest.raises(UnreadableFactError, match="has no type"):
        read(eventType=kind, legacyEventType=kind)


def test_an_event_that_has_only_an_older_name_is_read():
    event = read(eventType=None)
    assert (event.type, event.legacy_type) == ("", "core.user_group_member.user_add")


@pytest.mark.parametrize("name", ["legacyEventType", "published", "outcome", "actor", "target"])
@pytest.mark.parametrize("value", [None, "", 7, [], {}, [None], "\ud800", True])
def test_any_other_part_may_be_null_or_of_an_odd_type(name, value):
    event = read(**{name: value})
    assert (event.uuid, event.type) == (ROW["uuid"], ROW["eventType"])


@pytest.mark.parametrize("name", ["uuid", "legacyEventType", "published", "outcome", "actor", "target"])
def test_any_other_part_may_be_missing(name):
    event = log_event({key: value for key, value in ROW.items() if key != name})
    assert event.type == ROW["eventType"]


def test_targets_keep_their_order_and_those_without_an_id_say_at_least_their_type():
    target = [None, "User", {"type": "AppUser"}, {"id": "0oaGIT", "type": "AppInstance"}, {"id": None, "type": "User"}]
    assert read(target=target).targets == (Target(APP_USER), Target(APP, "0oaGIT"), Target(USER))


def test_a_target_without_a_type_matches_no_type():
    event = read(target=[{"id": "00uADA"}, {"id": "00gENG", "type": 7}])
    assert list(event.ids(USER)) == list(event.ids(GROUP)) == []


def test_ids_are_found_by_type_alone_and_never_by_position():
    event = log_event(ROW)
    assert (event.first(USER), event.first(GROUP), event.first(APP)) == ("00uADA", "00gENG", "")


@pytest.mark.parametrize(
    "written",
    ["2026-01-05T09:00:00Z", "2026-01-05T09:00:00+0000", "2026-01-05T10:00:00+01:00", "2026-01-05T09:00:00.000000Z"],
)
def test_a_time_is_read_in_the_ways_in_which_it_was_seen(written):
    assert read(published=written).published == datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize("written", ["yesterday", "2026-13-05T09:00:00Z", "2026-01-05T09:00:00", "1767603600"])
def test_a_time_that_cannot_be_read_is_none(written):
    assert read(published=written).published is None


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_what_utc_can_hold_is_none(written):
    assert read(published=written).published is None


@pytest.mark.parametrize(("result", "outcome"), [("Success", "SUCCESS"), ("FAILURE", "FAILURE"), (None, ""), (7, "")])
def test_the_outcome_is_read_in_capitals(result, outcome):
    assert read(outcome={"result": result}).outcome == outcome


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "result"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), JSON))
def test_whatever_json_holds_is_read_or_refused(row):
    try:
        event = log_event(row)
    except UnreadableFactError:
        return
    assert event.type or event.legacy_type
