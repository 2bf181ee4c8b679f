"""The health of components, for probes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from teleport_okta.model.teleport import IdentityState
from teleport_okta.observe.health import Component
from teleport_okta.serve.readiness import PassHealth, passes_component, teleport_component

NOW = datetime(2026, 1, 5, tzinfo=UTC)
GOOD = IdentityState("host", "file", "host", NOW + timedelta(hours=1))
OLD = IdentityState("bot", "file", "bot", NOW, "it has expired")
NONE = IdentityState("bot", "", problem="there is none")


def passes(found, *, nothing_runs="", is_stopping=False):
    component = passes_component(found, nothing_runs=nothing_runs, is_stopping=is_stopping)
    return component.is_ready, component.reason


def test_a_writer_with_valid_identities_is_ready():
    ready = Component("teleport", is_ready=True)
    assert teleport_component((GOOD, NONE), NOW, should_write=True, is_writer=True) == ready
    assert teleport_component((GOOD, NONE), NOW, should_write=False, is_writer=False) == ready


def test_an_identity_that_has_expired_is_named():
    component = teleport_component((GOOD, OLD), NOW, should_write=True, is_writer=True)
    assert (component.is_ready, component.reason) == (False, "the bot identity: it has expired")


def test_a_writer_without_the_lease_is_not_ready():
    component = teleport_component((GOOD,), NOW, should_write=True, is_writer=False)
    assert not component.is_ready
    assert "does not have the lease" in component.reason


def test_failing_passes_have_their_reason():
    assert passes(PassHealth("failing", "Okta is down")) == (False, "failing: Okta is down")
    assert passes(PassHealth("running", "Okta is down")) == (False, "running: Okta is down")
    assert passes(PassHealth("running")) == (True, "running")


def test_a_standby_is_ready_to_take_over():
    assert passes(PassHealth("standby", "another process writes")) == (True, "standby: another process writes")


def test_a_process_with_nothing_to_sync_is_ready():
    assert passes(None, nothing_runs="there is no plugin") == (True, "nothing is synced: there is no plugin")
    assert passes(None) == (False, "the settings are being changed, or the service is starting")


def test_a_stopping_process_is_not_ready():
    assert passes(PassHealth("idle"), is_stopping=True) == (False, "the service is stopping")
