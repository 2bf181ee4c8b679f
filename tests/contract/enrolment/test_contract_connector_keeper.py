"""The connector follows the app's signing key, as one look does it; `unit/saml/test_saml_keeping_times.py` has when."""

from __future__ import annotations

import logging

import grpc
import pytest
from contract.enrolment.enrolment_world import ACS, CONNECTOR, but_metadata, holds_present_key
from teleport_okta.saml.connector_refresh import ConnectorRefresher
from teleport_okta.sandbox.okta.faults import FaultKind
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.teleport.lease import Lease

DAY = 86_400


@pytest.fixture
async def enrolled(world):
    await world.enrol()
    await world.teleport.administrator.connectors.edit(
        CONNECTOR, attributes_to_roles=[{"name": "groups", "value": "Engineers", "roles": ["access"]}], display="Acme"
    )
    world.mark()
    return world


def keeper_of(world, **given):
    wanted = {"connector": CONNECTOR, "app_id": world.app.id, "org_hosts": lambda: ("localhost",), "told": lambda: ()}
    return ConnectorRefresher(world.parts.saml_apps, world.parts.teleport, world.clock, **(wanted | given))


async def look(world, keeper=None, **given):
    """Look once, as the process that writes; return the keeper."""
    keeper = keeper or keeper_of(world, **given)
    await world.parts.teleport.lease.obtain(world.okta.id)
    keeper.went_well = await keeper.look()
    return keeper


async def test_with_the_present_key_there_is_nothing_to_do_and_it_costs_two_calls(enrolled):
    keeper = await look(enrolled)
    assert enrolled.untouched
    assert enrolled.okta.calls_since(enrolled._calls).endpoints == {
        "GET /api/v1/apps/{id}": 1,
        "GET /api/v1/apps/{id}/sso/saml/metadata": 1,
    }
    assert (keeper.warnings, keeper.went_well) == ((), True)


async def test_a_rotated_key_is_written_and_everything_else_is_as_it_was(enrolled):
    before = but_metadata(enrolled.connectors[CONNECTOR])
    enrolled.okta.generate_signing_key(enrolled.app.id)
    await look(enrolled)
    assert enrolled.teleport_writes == {}
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    assert not holds_present_key(enrolled)
    keeper = await look(enrolled)
    assert holds_present_key(enrolled)
    assert enrolled.teleport_writes == {"UpdateSAMLConnector": 1}
    assert enrolled.okta_writes == {}
    assert but_metadata(enrolled.connectors[CONNECTOR]) == before
    assert before[0]["SigningKeyPair"]["PrivateKey"]
    assert before[0]["AttributesToRoles"][0]["Value"] == "Engineers"
    assert (keeper.warnings, keeper.went_well) == ((), True)


@pytest.mark.parametrize("labels", [{}, {"teleport.internal/okta-app-id": "0oaOther"}])
async def test_a_connector_of_people_is_left_alone(enrolled, labels):
    await enrolled.teleport.administrator.connectors.edit(CONNECTOR, labels=labels)
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    enrolled.mark()
    keeper = await look(enrolled)
    assert enrolled.untouched
    assert enrolled.okta.calls_since(enrolled._calls).total == 0
    assert (keeper.warnings, keeper.went_well) == ((), True)


async def test_without_a_connector_there_is_nothing_to_do_and_a_deleted_one_is_reported(enrolled):
    keeper = await look(enrolled, connector="okta")
    assert (keeper.warnings, keeper.went_well) == ((), True)
    keeper = await look(enrolled)
    enrolled.teleport.administrator.connectors.delete(CONNECTOR)
    await look(enrolled, keeper)
    assert not keeper.went_well
    [warning] = keeper.warnings
    assert "it was deleted, so nobody can sign in through it (enrol again)" in warning
    await enrolled.enrol()
    await look(enrolled, keeper)
    assert (keeper.warnings, keeper.went_well) == ((), True)


@pytest.mark.parametrize(
    ("expires_in", "says"), [(-DAY, "expired on"), (3 * DAY, "expires on"), (29 * DAY, "expires on"), (31 * DAY, "")]
)
async def test_a_certificate_that_expires_is_a_warning_until_there_is_another(enrolled, expires_in, says):
    enrolled.okta.set_certificate_dates(enrolled.app.id, expires_in=expires_in)
    keeper = await look(enrolled)
    assert keeper.went_well
    assert holds_present_key(enrolled)
    if not says:
        assert keeper.warnings == ()
        return
    [warning] = keeper.warnings
    assert f"SAML connector 'okta-integration' {says} 20" in warning
    assert "make a new one in Okta" in warning
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    await look(enrolled, keeper)
    assert keeper.warnings == ()


@pytest.mark.parametrize("path", ["*/sso/saml/metadata", "/api/v1/apps/*"])
async def test_while_okta_does_not_answer_there_is_a_warning_and_later_an_update(enrolled, path, caplog):
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    enrolled.okta.fail(FaultKind.UNAVAILABLE, path=path)
    keeper = await look(enrolled)
    [warning] = keeper.warnings
    assert not keeper.went_well
    assert "could not be compared with its app" in warning
    assert "503" in warning
    await look(enrolled, keeper)
    assert keeper.warnings != (warning,)  # the request has another id
    assert caplog.text.count("could not be compared with its app") == 1
    assert enrolled.teleport_writes == {}
    enrolled.okta.recover()
    await look(enrolled, keeper)
    assert (keeper.warnings, keeper.went_well) == ((), True)
    assert holds_present_key(enrolled)


async def test_a_refusal_by_teleport_is_a_warning_and_tried_again_later(enrolled):
    enrolled.teleport.cluster.roles.delete("access")
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    keeper = await look(enrolled)
    [warning] = keeper.warnings
    assert not keeper.went_well
    assert 'role "access" specified in attributes_to_roles not found' in warning
    mappings = [{"name": "groups", "value": "Engineers", "roles": ["editor"]}]
    await enrolled.teleport.administrator.connectors.edit(CONNECTOR, attributes_to_roles=mappings)
    await look(enrolled, keeper)
    assert (keeper.warnings, keeper.went_well) == ((), True)
    assert holds_present_key(enrolled)


async def test_an_edit_at_the_same_moment_wins_and_the_next_look_writes_the_key(enrolled, monkeypatch):
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    update, edits = enrolled.parts.teleport.connectors.update, ["Corp"]

    async def overtaken(connector):
        if edits:
            await enrolled.teleport.administrator.connectors.edit(CONNECTOR, display=edits.pop())
        return await update(connector)

    monkeypatch.setattr(enrolled.parts.teleport.connectors, "update", overtaken)
    keeper = await look(enrolled)
    assert not keeper.went_well
    await look(enrolled, keeper)
    assert (keeper.warnings, keeper.went_well) == ((), True)
    assert holds_present_key(enrolled)
    assert enrolled.connectors[CONNECTOR]["Spec"]["Display"] == "Corp"


async def test_an_answer_that_is_lost_is_no_failure(enrolled):
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    lost = Fault("*/UpdateSAMLConnector", code=grpc.StatusCode.UNAVAILABLE, applied=True, count=1)
    enrolled.teleport.faults.add(lost)
    keeper = await look(enrolled)
    assert (keeper.warnings, keeper.went_well) == ((), True)
    assert holds_present_key(enrolled)


async def test_metadata_of_another_host_is_a_warning_and_not_written(enrolled):
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    keeper = await look(enrolled, org_hosts=lambda: ("acme.okta.com",))
    [warning] = keeper.warnings
    assert not keeper.went_well
    assert "not at a host of the organisation" in warning
    assert enrolled.teleport_writes == {}


async def test_an_unusable_app_is_a_warning_and_the_key_is_updated(enrolled):
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    enrolled.okta.deactivate_app(enrolled.app.id)
    keeper = await look(enrolled)
    [warning] = keeper.warnings
    assert "nobody can sign in through SAML connector 'okta-integration'" in warning
    assert "deactivated in Okta" in warning
    assert holds_present_key(enrolled)
    app_id = enrolled.app.id
    enrolled.okta.activate_app(app_id)
    enrolled.okta.change_sign_on(app_id, acs_url="https://other.example.com/acs")
    await look(enrolled, keeper)
    [warning] = keeper.warnings
    assert f"sends people to https://other.example.com/acs, not to {ACS}" in warning
    enrolled.okta.delete_app(app_id)
    await look(enrolled, keeper)
    [warning] = keeper.warnings
    assert f"belongs to the app {app_id}, which no longer exists" in warning


async def test_a_standby_makes_no_calls(enrolled, monkeypatch):
    keeper = keeper_of(enrolled)
    keeper.warnings = ("from before",)
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    monkeypatch.setattr(Lease, "is_held", False)
    enrolled.mark()
    assert await keeper.look()
    assert enrolled.okta.calls_since(enrolled._calls).total == 0
    assert enrolled.teleport.calls.total == 0
    assert keeper.warnings == ()


async def test_each_warning_is_logged_once(enrolled, caplog):
    enrolled.okta.set_certificate_dates(enrolled.app.id, expires_in=-DAY)
    keeper = keeper_of(enrolled)
    with caplog.at_level(logging.INFO, logger="teleport_okta.saml.connector_refresh"):
        for _ in range(3):
            await look(enrolled, keeper)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert "expired on" in caplog.messages[1]
    assert "PRIVATE KEY" not in caplog.text
