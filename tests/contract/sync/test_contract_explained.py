"""Explanations after changes that came by the log, from the registry and without calls."""

from __future__ import annotations

import pytest
from contract.sync.following import Followed
from teleport_okta.cli.explain import explanation_lines
from teleport_okta.sync.explain import explained

ADA, BOB, CY = "ada@x.io", "bob@x.io", "cy@x.io"


@pytest.fixture
async def followed(office):
    """A group of two that grants an app, and another app that cy has by herself; the log is followed."""
    group = office.group("Engineering", ADA, BOB)
    office.app("Figma", CY, groups=[group])
    return await Followed.since_a_pass(office)


def group_of(followed):
    return next(group for group in followed.okta.groups.all if group.name == "Engineering")


async def lines(followed, of, asked, *, is_live=True):
    """What `explain` prints, without the indents."""
    world = followed.world
    mark, calls = followed.okta.mark(), dict(world.teleport.calls.calls)
    found = await explained(
        world.parts.store,
        world.settings,
        world.parts.full_pass.registry if is_live else None,
        of=of,
        asked=asked,
        now=world.clock.now(),
    )
    assert followed.okta.calls_since(mark).total == 0
    assert dict(world.teleport.calls.calls) == calls
    return [line.strip() for line in explanation_lines(found)]


def after(said, beginning):
    """The line below the one that begins so."""
    (at,) = [number for number, line in enumerate(said) if line.startswith(beginning)]
    return said[at + 1]


async def test_a_member_who_came_by_the_log(followed):
    group = group_of(followed)
    followed.okta.add_member(group.id, followed.person(CY).id)
    await followed.catch_up()
    said = await lines(followed, "user", CY)
    assert "[group.user_membership.add " in after(
        said, f"list Engineering ({group.id}): in its list, because they are in it in Okta"
    )
    assert any(line.startswith("app Figma") and "may be used, as okta-" in line for line in said)
    assert f"member {CY}" in " ".join(await lines(followed, "list", "Engineering"))


async def test_a_member_who_left_by_the_log(followed):
    group = group_of(followed)
    followed.okta.remove_member(group.id, followed.person(BOB).id)
    await followed.catch_up()
    assert "Engineering" not in " ".join(await lines(followed, "user", BOB))
    assert BOB not in " ".join(await lines(followed, "group", "Engineering"))


async def test_a_person_who_is_suspended_and_let_in_again(followed):
    ada = followed.person(ADA)
    followed.okta.suspend(ada.id)
    await followed.catch_up()
    said = await lines(followed, "user", ADA)
    assert said[0].endswith("; suspended since, see the lock")
    locked = f"lock {ADA} ({ada.id}): suspended in Okta; it lasts until that ends"
    assert "[user.lifecycle.suspend " in after(said, locked)
    followed.okta.unsuspend(ada.id)
    await followed.catch_up()
    assert not [line for line in await lines(followed, "user", ADA) if line.startswith("lock ")]


async def test_a_leaver(followed):
    ada = followed.person(ADA)
    followed.okta.unassign(followed.world.okta_app.id, ada.id)
    await followed.catch_up()
    for said in (await lines(followed, "user", ADA), await lines(followed, "user", ada.id, is_live=False)):
        assert "[application.user_membership.remove " in after(said, "no user of ours")
        assert any(line.startswith(f"lock {ADA}") and "no longer assigned in Okta" in line for line in said)
        assert "the app that people come from" not in " ".join(said)
    await followed.nothing_is_left()
    assert "no user of ours" in await lines(followed, "user", ADA)


async def test_a_group_that_was_deleted(followed):
    group = group_of(followed)
    followed.okta.delete_group(group.id)
    await followed.catch_up(after=120)
    said = await lines(followed, "group", group.id)
    assert "[group.lifecycle.delete " in after(said, "no list: ")
    assert "[group.lifecycle.delete " in after(said, "no user group: ")


async def test_whom_a_person_put_into_a_list_in_teleport(followed):
    group = group_of(followed)
    followed.office.people.add_member(group.id, CY)
    await followed.next_pass()
    said = await lines(followed, "user", CY)
    assert any(line.startswith(f"list Engineering ({group.id}): added by ") for line in said)
    said = await lines(followed, "group", "Engineering")
    assert "members: because of Okta: 2" in said
    assert "members: added by people: 1" in said


async def test_another_process_tells_the_same_from_the_state_before_it_has_read_anything(followed):
    await followed.restart()
    said = await lines(followed, "user", ADA)
    assert any(line.startswith("list Engineering") for line in said)
    assert "no service runs" not in " ".join(said)
