from __future__ import annotations

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.model.teleport import TeleportRole
from teleport_okta.teleport.recent_writes import ABSENT, REMEMBERED, RecentWrites

OLD = TeleportRole("r", revision="1")
OURS = TeleportRole("r", revision="2")
NEWER = TeleportRole("r", revision="3")
THEIRS = TeleportRole("r", revision="9")
BYSTANDER = TeleportRole("other", revision="7")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def recent(clock: VirtualClock) -> RecentWrites[TeleportRole]:
    """The recent writes of roles, whose bytes are simply their revision."""
    return RecentWrites(
        clock,
        fingerprint=lambda role: role.revision,
        decode=lambda raw: TeleportRole("r", revision=raw.decode()),
    )


def wrote(recent: RecentWrites[TeleportRole], role: TeleportRole, *, replaced: object) -> None:
    recent.wrote(role.name, role.revision.encode(), role.revision, replaced=replaced)


def listing(*roles: TeleportRole) -> dict[str, TeleportRole]:
    return {role.name: role for role in roles}


def test_an_older_content_is_overruled(recent: RecentWrites[TeleportRole]) -> None:
    wrote(recent, OURS, replaced=OLD.revision)

    assert recent.settle(listing(OLD, BYSTANDER)) == listing(OURS, BYSTANDER)


def test_a_listing_that_still_lacks_what_we_created_is_overruled(recent: RecentWrites[TeleportRole]) -> None:
    wrote(recent, OURS, replaced=ABSENT)

    assert recent.settle(listing(BYSTANDER)) == listing(OURS, BYSTANDER)


def test_a_listing_that_still_shows_what_we_deleted_is_overruled(recent: RecentWrites[TeleportRole]) -> None:
    recent.deleted("r")

    assert recent.settle(listing(OLD)) == {}


def test_a_third_content_wins(recent: RecentWrites[TeleportRole]) -> None:
    wrote(recent, OURS, replaced=OLD.revision)

    assert recent.settle(listing(THEIRS)) == listing(THEIRS)


def test_somebody_elses_deletion_after_our_update_wins(recent: RecentWrites[TeleportRole]) -> None:
    wrote(recent, OURS, replaced=OLD.revision)

    assert recent.settle({}) == {}


def test_once_a_listing_has_shown_ours_nothing_is_overruled_any_more(recent: RecentWrites[TeleportRole]) -> None:
    wrote(recent, OURS, replaced=OLD.revision)
    recent.settle(listing(OURS))

    assert recent.settle(listing(OLD)) == listing(OLD)
    assert len(recent) == 0


def test_after_half_a_minute_any_listing_is_believed(recent: RecentWrites[TeleportRole], clock: VirtualClock) -> None:
    wrote(recent, OURS, replaced=OLD.revision)

    clock.advance(REMEMBERED - 1)
    assert recent.settle(listing(OLD)) == listing(OURS)
    clock.advance(1)
    assert recent.settle(listing(OLD)) == listing(OLD)


def test_everything_that_a_series_of_writes_replaced_is_older(recent: RecentWrites[TeleportRole]) -> None:
    wrote(recent, OURS, replaced=OLD.revision)
    wrote(recent, NEWER, replaced=OURS.revision)

    for lagging in (OLD, OURS):
        assert recent.settle(listing(lagging)) == listing(NEWER)


def test_what_was_deleted_before_a_creation_is_older(recent: RecentWrites[TeleportRole]) -> None:
    recent.deleted("r", replaced=OLD.revision)
    wrote(recent, OURS, replaced=ABSENT)

    assert recent.settle(listing(OLD)) == listing(OURS)
    assert recent.settle({}) == listing(OURS)


def test_reading_one_object_is_corrected_and_proves_nothing_about_listings(
    recent: RecentWrites[TeleportRole],
) -> None:
    wrote(recent, OURS, replaced=OLD.revision)

    assert recent.settle_one("r", OLD) == OURS
    assert recent.settle_one("r", OURS) == OURS
    assert recent.settle_one("r", THEIRS) == THEIRS
    assert recent.settle(listing(OLD)) == listing(OURS)


def test_writing_alone_forgets_what_is_old(recent: RecentWrites[TeleportRole], clock: VirtualClock) -> None:
    for number in range(3):
        recent.deleted(f"role-{number}")
        clock.advance(REMEMBERED / 2)

    assert len(recent) == 2


def test_the_listing_of_a_group_decodes_the_writes_of_the_group_only(clock: VirtualClock) -> None:
    decoded: list[str] = []

    def decode(raw: bytes) -> TeleportRole:
        decoded.append(raw.decode())
        return TeleportRole(raw.decode())

    recent: RecentWrites[TeleportRole] = RecentWrites(clock, fingerprint=lambda role: role.name, decode=decode)
    for number in range(50):
        recent.wrote(f"lock-{number}", f"lock-{number}".encode(), number, replaced=ABSENT, group=f"user-{number}")
    recent.deleted("gone", replaced="gone")
    recent.wrote("moved", b"moved", 51, replaced="moved", group="user-8")
    listed = {"gone": TeleportRole("gone"), "moved": TeleportRole("moved"), "other": TeleportRole("other")}
    assert set(recent.settle_some(listed, "user-7")) == {"lock-7", "other"}
    assert decoded == ["lock-7"]
    assert len(recent) == 52
