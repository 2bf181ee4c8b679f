"""Users that are planned again: a stranger of the name gets no membership, and a person who stays keeps theirs."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from contract.sync.office import TEN_MINUTES
from hands import edit_user

ADA = "ada@x.io"


@pytest.fixture
async def group(office):
    """A settled office with a group of two."""
    found = office.group("Engineering", ADA, "bob@x.io")
    await office.settled()
    return found


def wrongly_revoked(office, *, login=False):
    """Let Okta show Ada's assignment as revoked, and as active again before anything is applied."""
    ada, app = office.person(ADA), office.world.okta_app.id
    office.okta.set_assignment_status(app, ada.id, "REVOKED")

    def back():
        office.okta.set_assignment_status(app, ada.id, "ACTIVE")
        if login:
            edit_user(office.teleport.administrator, ADA, traits={"username": ["ada"]})

    office.world.meddle_after_listing(back)


@contextmanager
def newer_facts_of(office, name):
    """Let another unit of work have newer facts of a user than the next pass reads."""
    full_pass = office.world.parts.full_pass
    learned_all = full_pass.keys.learned_all

    def learned(at):
        learned_all(at)
        full_pass.keys.learned(name, at + timedelta(hours=1))

    full_pass.keys.learned_all = learned
    yield
    full_pass.keys.learned_all = learned_all


async def test_a_list_is_not_made_with_a_person_who_turned_out_to_be_a_stranger(office):
    group = office.group("Admins of money", ADA, "bob@x.io")
    office.world.meddle_after_listing(lambda: office.teleport.administrator.create_user(ADA, roles=["access"]))
    await office.world.run()
    assert ADA not in office.world.owned()
    assert set(office.members(group)) == {"bob@x.io"}


async def test_nobody_joins_a_list_by_the_name_of_a_stranger(office, group):
    office.okta.add_member(group.id, office.person("dan@x.io").id)
    office.world.meddle_after_listing(lambda: office.teleport.administrator.create_user("dan@x.io", roles=["access"]))
    await office.next_pass()
    assert set(office.members(group)) == {ADA, "bob@x.io"}


async def test_a_person_who_stays_by_newer_facts_keeps_the_memberships(office, group):
    wrongly_revoked(office)
    await office.live(TEN_MINUTES)
    with newer_facts_of(office, ADA):
        report = await office.world.run()
    assert ADA in office.world.owned()
    assert set(office.members(group)) == {ADA, "bob@x.io"}
    assert not office.world.locks()
    memberships = {(one.result, one.error) for one in report.outcomes if one.change.kind == "member"}
    assert memberships == {("skipped", f"user {ADA} stays after all")}


async def test_a_person_who_stays_after_a_login_keeps_the_memberships(office, group):
    wrongly_revoked(office, login=True)
    await office.live(TEN_MINUTES)
    await office.world.run()
    assert ADA in office.world.owned()
    assert set(office.members(group)) == {ADA, "bob@x.io"}
    assert not office.world.locks()


async def test_a_person_who_leaves_after_a_login_loses_the_memberships(office, group):
    ada = office.person(ADA)
    office.okta.set_assignment_status(office.world.okta_app.id, ada.id, "REVOKED")
    office.world.meddle_after_listing(
        lambda: edit_user(office.teleport.administrator, ADA, traits={"username": ["ada"]})
    )
    await office.next_pass()
    assert ADA not in office.world.owned()
    assert set(office.members(group)) == {"bob@x.io"}
    assert set(office.world.locks()) == {ADA}
