from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from teleport.legacy.types import types_pb2
from teleport_okta.model.teleport import ConnectorRef, RoleAllow, TeleportLock, TeleportRole, TeleportUser
from teleport_okta.teleport.convert import (
    lock_from_message,
    lock_to_message,
    role_from_message,
    role_to_message,
    user_from_message,
    user_to_message,
)
from unit.teleport.small_pki import NOW

YEAR_ONE = Timestamp(seconds=-62135596800)
UNKNOWN_FIELD = b"\xfa\x3e\x05later"
"""Field 999 of a newer server, a string."""

ADA = TeleportUser(
    name="ada@example.com",
    labels={"teleport-okta/owner": "00o1", "teleport.dev/origin": "okta"},
    roles=("okta-requester",),
    traits={"okta/login": ("ada@example.com",), "okta/phones": ("1", "2")},
    connector=ConnectorRef("saml", "okta", "ada@example.com"),
)


def stored(**changes: object) -> types_pb2.UserV2:
    """Return Ada's record as a server would store it, unknown fields of its own included."""
    message = user_to_message(ADA, NOW)
    message.Metadata.Revision = "r1"
    message.MergeFromString(UNKNOWN_FIELD)
    message.Metadata.MergeFromString(UNKNOWN_FIELD)
    message.Spec.MergeFromString(UNKNOWN_FIELD)
    message.Spec.TrustedDeviceIDs.append("device")
    for field, value in changes.items():
        getattr(message.Spec, field).CopyFrom(value)
    return message


def test_a_user_survives_the_way_out_and_back() -> None:
    assert user_from_message(user_to_message(ADA, NOW)) == ADA


def test_a_new_user_is_made_so_that_a_saml_login_takes_it_over() -> None:
    message = user_to_message(ADA, NOW)

    created_by = message.Spec.CreatedBy
    assert (message.Kind, message.Version) == ("user", "v2")
    assert (created_by.Connector.Type, created_by.Connector.ID) == ("saml", "okta")
    assert created_by.Connector.Identity == "ada@example.com"
    assert created_by.User.Name == "system"
    assert created_by.Time.ToDatetime(UTC) == NOW
    assert [(found.ConnectorID, found.Username) for found in message.Spec.SAMLIdentities] == [
        ("okta", "ada@example.com")
    ]


def test_a_local_user_has_a_creator_and_no_identity() -> None:
    message = user_to_message(replace(ADA, connector=None), NOW)

    assert message.Spec.CreatedBy.User.Name == "system"
    assert not message.Spec.CreatedBy.HasField("Connector")
    assert not message.Spec.SAMLIdentities


def test_a_connector_that_is_not_saml_leaves_no_saml_identity() -> None:
    message = user_to_message(replace(ADA, connector=ConnectorRef("github", "gh", "ada")), NOW)

    assert not message.Spec.SAMLIdentities


def test_unset_times_are_absent_and_not_1970() -> None:
    message = user_to_message(ADA, NOW)

    assert not message.Spec.HasField("Expires")
    assert not message.Metadata.HasField("Expires")


def test_a_year_one_time_reads_as_unset() -> None:
    message = stored(Expires=YEAR_ONE)
    message.Metadata.Expires.CopyFrom(YEAR_ONE)

    assert user_from_message(message).expires is None


def test_the_earlier_of_both_expiries_counts_and_clearing_it_clears_both() -> None:
    message = stored(Expires=Timestamp(seconds=2_000_000_000))
    message.Metadata.Expires.seconds = 1_900_000_000

    user = user_from_message(message)
    cleared = user_to_message(replace(user, expires=None), NOW)

    assert user.expires == datetime.fromtimestamp(1_900_000_000, UTC)
    assert not cleared.Spec.HasField("Expires")
    assert not cleared.Metadata.HasField("Expires")


def test_a_time_after_the_year_9999_is_the_end_of_that_year() -> None:
    message = stored(Expires=Timestamp(seconds=2**40))

    assert user_from_message(message).expires == datetime.max.replace(tzinfo=UTC)


def test_an_update_that_changes_nothing_sends_what_was_read() -> None:
    message = stored()

    assert user_to_message(user_from_message(message), NOW) == message


def test_unknown_fields_survive_an_update_of_everything_that_we_own() -> None:
    user = user_from_message(stored())
    changed = replace(user, labels={"x": "y"}, roles=("a", "b"), traits={"okta/login": ("ada@new",)}, expires=NOW)

    message = user_to_message(changed, NOW)

    sent = message.SerializeToString(deterministic=True)
    assert sent.count(UNKNOWN_FIELD) == 3
    assert list(message.Spec.TrustedDeviceIDs) == ["device"]
    assert replace(user_from_message(message), raw=None) == replace(changed, raw=None)
    assert message.Metadata.Revision == "r1"


def test_changing_the_connector_leaves_the_identities_of_others() -> None:
    message = stored()
    message.Spec.SAMLIdentities.add(ConnectorID="other", Username="ada")
    user = user_from_message(message)

    moved = user_to_message(replace(user, connector=ConnectorRef("saml", "new", "ada@example.com")), NOW)

    assert {found.ConnectorID for found in moved.Spec.SAMLIdentities} == {"other", "new"}


def test_a_changed_login_keeps_the_rest_of_its_identity() -> None:
    message = stored()
    message.Spec.SAMLIdentities[0].SAMLSingleLogoutURL = "https://example.okta.com/slo"
    user = user_from_message(message)

    sent = user_to_message(replace(user, connector=ConnectorRef("saml", "okta", "ada@new")), NOW)

    [identity] = sent.Spec.SAMLIdentities
    assert (identity.Username, identity.SAMLSingleLogoutURL) == ("ada@new", "https://example.okta.com/slo")


def test_keys_of_labels_and_traits_are_shared_between_users() -> None:
    one, other = user_from_message(stored()), user_from_message(stored())

    assert [id(key) for key in one.traits] == [id(key) for key in other.traits]
    assert [id(key) for key in one.labels] == [id(key) for key in other.labels]


def test_the_record_of_a_temporary_lock_outlives_the_lock() -> None:
    end = NOW + timedelta(hours=30, minutes=15)

    message = lock_to_message(TeleportLock("okta-1-left", "ada", {"a": "b"}, "left", end))

    assert message.Spec.Expires.ToDatetime(UTC) == end
    assert message.Metadata.Expires.ToDatetime(UTC) == end + timedelta(minutes=1)
    assert lock_from_message(message).expires == end


def test_a_lock_without_end_has_neither_expiry() -> None:
    lasting = lock_to_message(TeleportLock("okta-1-left", "ada", expires=NOW))
    message = lock_to_message(replace(lock_from_message(lasting), expires=None))

    assert not message.Spec.HasField("Expires")
    assert not message.Metadata.HasField("Expires")


@pytest.mark.parametrize(
    "target",
    [types_pb2.LockTarget(Role="access"), types_pb2.LockTarget(User="ada", MFADevice="key")],
    ids=["a role", "one device of a user"],
)
def test_a_lock_on_anything_but_a_whole_user_is_no_lock_on_a_user(target: types_pb2.LockTarget) -> None:
    message = types_pb2.LockV2(Metadata=types_pb2.Metadata(Name="x"), Spec=types_pb2.LockSpecV2(Target=target))

    lock = lock_from_message(message)

    assert lock.user is None
    assert lock_to_message(replace(lock, message="changed")).Spec.Target == target


def test_a_new_role_names_its_version() -> None:
    assert role_to_message(TeleportRole("r")).Version == "v7"


def test_the_grants_of_a_role_survive_a_change_of_its_labels() -> None:
    message = role_to_message(TeleportRole("r", {"a": "b"}))
    message.Version = "v8"
    message.Spec.Allow.Logins.append("root")
    message.Spec.Allow.MergeFromString(UNKNOWN_FIELD)

    sent = role_to_message(replace(role_from_message(message), labels={"c": "d"}))

    assert dict(sent.Metadata.Labels) == {"c": "d"}
    assert (sent.Version, sent.Spec) == ("v8", message.Spec)


ALLOW = RoleAllow(
    app_labels={"teleport.internal/okta-app-id": ("0oa1", "0oa2")},
    group_labels={"teleport-okta/group-id": ("00g1",)},
    review=("access-okta-acl-role-00g1",),
)
OURS = {"teleport-okta/owner": "00o1"}


def test_the_grants_of_a_role_of_ours_survive_writing_and_reading() -> None:
    role = TeleportRole("r", OURS, ALLOW)

    assert role_from_message(role_to_message(role)) == role


def test_the_grants_of_roles_of_others_are_not_read() -> None:
    assert role_from_message(role_to_message(TeleportRole("r", {"a": "b"}, ALLOW))).allow is None


def test_a_change_of_the_grants_of_a_role_keeps_its_other_fields() -> None:
    message = role_to_message(TeleportRole("r", OURS, ALLOW))
    message.Spec.Allow.Logins.append("root")
    message.Spec.Allow.ReviewRequests.Where = "true"
    for part in (message.Spec, message.Spec.Allow, message.Spec.Allow.ReviewRequests):
        part.MergeFromString(UNKNOWN_FIELD)
    narrower = RoleAllow(app_labels={"teleport.internal/okta-app-id": ("0oa2",)})

    sent = role_to_message(replace(role_from_message(message), allow=narrower))

    assert role_from_message(sent).allow == narrower
    assert (list(sent.Spec.Allow.Logins), sent.Spec.Allow.ReviewRequests.Where) == (["root"], "true")
    assert sent.SerializeToString().count(UNKNOWN_FIELD) == 3


def test_a_role_that_reviews_nothing_says_nothing_of_reviews() -> None:
    reviewing = role_to_message(TeleportRole("r", OURS, ALLOW))

    sent = role_to_message(replace(role_from_message(reviewing), allow=RoleAllow()))

    assert not sent.Spec.Allow.HasField("ReviewRequests")
    assert not role_to_message(TeleportRole("r", OURS, RoleAllow())).Spec.Allow.HasField("ReviewRequests")
