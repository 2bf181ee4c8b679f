"""`enroll --remove`: only the objects of an enrolment of ours are removed, the sync first and the sign-in after it."""

from __future__ import annotations

import pytest
from contract.enrolment.enrolment_world import CONNECTOR
from teleport_okta.model.labels import APP_ID, OWNER
from teleport_okta.okta.okta_errors import OktaError
from teleport_okta.saml.enrolment import State
from teleport_okta.saml.enrolment_errors import ChangedMeanwhileError
from teleport_okta.saml.removal import Removal
from teleport_okta.sandbox.okta.faults import FaultKind


@pytest.fixture
async def enrolled(world):
    await world.enrol()
    world.made = world.app.id
    world.mark()
    return world


def removal_of(world, *, created=None, plugin="okta"):
    return Removal(
        world.parts.saml_apps,
        world.parts.teleport,
        org_id=world.okta.id,
        connector=CONNECTOR,
        plugin=plugin,
        created_app_id=world.made if created is None else created,
    )


async def removed(world, **more):
    """Look and remove; return the steps."""
    removal = removal_of(world, **more)
    return [step async for step in removal.run(await removal.look())]


def states(steps):
    return [(step.name, step.state) for step in steps]


ALL = [("settings", State.MADE), ("connector", State.MADE), ("app", State.MADE)]


async def test_everything_of_the_enrolment_goes_the_sync_before_the_sign_in(enrolled):
    removal = removal_of(enrolled)
    found = await removal.look()
    assert enrolled.untouched
    assert [step.state for step in removal.steps(found)] == [State.TO_DO] * 3
    assert states([step async for step in removal.run(found)]) == ALL
    assert enrolled.apps == []
    assert enrolled.connectors == enrolled.plugins == {}
    assert enrolled.teleport_writes == {"DeletePlugin": 1, "DeleteSAMLConnector": 1}
    enrolled.mark()
    assert await removed(enrolled) == []
    assert enrolled.untouched


async def test_a_plugin_that_others_made_stays(enrolled):
    enrolled.teleport.administrator.plugins.edit("okta", labels={OWNER: "00oOther"})
    steps = await removed(enrolled)
    assert "was not made by an enrolment of ours" in steps[-1].what
    assert states(steps) == [("connector", State.MADE), ("app", State.MADE), ("settings", State.DONE)]
    assert "okta" in enrolled.plugins


@pytest.mark.parametrize("owner", ["00oOther", None], ids=["another organisation", "nobody"])
async def test_a_connector_that_others_made_stays_although_it_names_our_app(enrolled, owner):
    """One that was adopted, or that an enrolment of another organisation made: its people sign in through it."""
    labels = {APP_ID: enrolled.made} | ({OWNER: owner} if owner else {})
    await enrolled.teleport.administrator.connectors.edit(CONNECTOR, labels=labels)
    steps = await removed(enrolled)
    assert "is in use: that connector names it" in steps[2].what
    assert "'okta-integration' was not made by an enrolment of ours" in steps[1].what
    assert states(steps) == [("settings", State.MADE), ("connector", State.DONE), ("app", State.DONE)]
    assert CONNECTOR in enrolled.connectors
    assert enrolled.app.status == "ACTIVE"


@pytest.mark.parametrize("created", ["", "0oaAnother"])
async def test_an_app_that_was_adopted_stays(enrolled, created):
    steps = await removed(enrolled, created=created)
    assert "was not created by this service" in steps[-1].what
    assert states(steps) == [("settings", State.MADE), ("connector", State.MADE), ("app", State.DONE)]
    assert enrolled.app.status == "ACTIVE"


async def test_a_connector_that_now_belongs_to_another_app_does_not_take_that_app_along(enrolled):
    other = enrolled.okta.create_app("Corporate SSO")
    await enrolled.teleport.administrator.connectors.edit(CONNECTOR, labels={APP_ID: other.id, OWNER: enrolled.okta.id})
    await removed(enrolled)
    assert enrolled.okta.apps.require(other.id).status == "ACTIVE"


async def test_without_the_right_to_delete_the_app_it_is_left_and_the_rest_is_done(enrolled):
    enrolled.okta.narrow_role(without=["okta.apps.manage"])
    steps = await removed(enrolled)
    assert states(steps) == [*ALL[:2], ("app", State.LEFT)]
    assert "Deactivate, then Delete" in steps[-1].remedy
    enrolled.okta.restore_role()
    assert states(await removed(enrolled)) == ALL[2:]


async def test_a_removal_that_breaks_off_is_finished_by_the_next(enrolled):
    enrolled.okta.fail(FaultKind.UNAVAILABLE, path="*/lifecycle/deactivate")
    with pytest.raises(OktaError):
        await removed(enrolled)
    assert enrolled.connectors == enrolled.plugins == {}
    enrolled.okta.recover()
    assert states(await removed(enrolled)) == ALL[2:]
    assert enrolled.apps == []


async def test_changes_between_look_and_run_are_found_before_the_first_deletion(enrolled):
    removal = removal_of(enrolled)
    found = await removal.look()
    enrolled.teleport.administrator.plugins.edit("okta", labels={OWNER: "00oOther"})
    with pytest.raises(ChangedMeanwhileError, match="have changed since they were shown"):
        await anext(removal.run(found))
    assert enrolled.teleport_writes == {}
    assert len(enrolled.apps) == len(enrolled.connectors) == len(enrolled.plugins) == 1
