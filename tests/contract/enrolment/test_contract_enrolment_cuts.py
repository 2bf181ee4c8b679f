"""An enrolment that is cut, and run again, ends as one that was not: one app, one connector, one plugin.

There are four writes. A process dies before each and after each, an answer is lost on the way, a connection breaks, or
the person stops between two steps. `World.whole` of the second run is compared with that of an undisturbed one.
"""

from __future__ import annotations

import asyncio

import grpc
import pytest
from contract.enrolment.enrolment_world import CONNECTOR, built_enrolment_world
from teleport_okta.okta.okta_errors import OktaError, OktaOutcomeUnknownError
from teleport_okta.saml.enrolment import State
from teleport_okta.saml.enrolment_errors import ChangedMeanwhileError
from teleport_okta.sandbox.okta.faults import FaultKind
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.state_errors import StateError
from teleport_okta.teleport.lease import StandbyError
from teleport_okta.teleport.teleport_errors import TeleportError

WRITES = {
    "app": lambda parts: (parts.saml_apps, "create"),
    "assignment": lambda parts: (parts.saml_apps, "assign_group"),
    "connector": lambda parts: (parts.teleport.connectors, "create"),
    "settings": lambda parts: (parts.teleport.plugins, "create"),
}
IN_OKTA = {"app": ("POST", "/api/v1/apps"), "assignment": ("PUT", "*/groups/*")}
IN_TELEPORT = {"connector": "*/CreateSAMLConnector", "settings": "*/CreatePlugin"}
LOSING = [FaultKind.RESET, FaultKind.TRUNCATED]
"""What takes an answer away after the write was done."""


class Killed(BaseException):
    """The process ends."""


_UNDISTURBED = []


@pytest.fixture
async def whole(tmp_path):
    """What an enrolment leaves that nobody disturbs: made once, in a world of its own."""
    if not _UNDISTURBED:
        async with built_enrolment_world(tmp_path / "undisturbed") as world:
            await world.enrol()
            _UNDISTURBED.append(world.whole)
    return _UNDISTURBED[0]


def kill_at(world, write, *, after, monkeypatch):
    """Let the process end just before, or just after, a write."""
    owner, name = WRITES[write](world.parts)
    done = getattr(owner, name)

    async def cut(*args, **more):
        if after:
            await done(*args, **more)
        raise Killed

    monkeypatch.setattr(owner, name, cut)


async def finished(world):
    """Start a process anew and enrol to the end; return what was made then."""
    world.teleport.faults.clear()
    world.okta.recover()
    await world.restart()
    return {step.name for step in await world.enrol() if step.state is State.MADE}


def is_one_of_each(world):
    return (len(world.apps), len(world.connectors), len(world.plugins)) == (1, 1, 1)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", WRITES)
async def test_killed_at_each_write(world, whole, monkeypatch, write, after):
    kill_at(world, write, after=after, monkeypatch=monkeypatch)
    with pytest.raises(Killed):
        await world.enrol()
    names = list(WRITES)
    assert await finished(world) == set(names[names.index(write) + after :])
    assert world.whole == whole
    assert is_one_of_each(world)
    assert not world.okta.calls.unknown


@pytest.mark.parametrize("taken", [1, 2, 3, 4])
async def test_stopped_after_each_step(world, whole, taken):
    enrolment = world.enrolment()
    steps = enrolment.run(await enrolment.look())
    for _ in range(taken):
        await anext(steps)
    await steps.aclose()
    assert len(await finished(world)) == 4 - taken
    assert world.whole == whole
    assert is_one_of_each(world)


@pytest.mark.parametrize("kind", LOSING)
@pytest.mark.parametrize("write", IN_OKTA)
async def test_an_answer_of_okta_s_that_is_lost_is_made_up_for_in_the_same_run(world, whole, write, kind):
    method, path = IN_OKTA[write]
    world.okta.fail(kind, method=method, path=path, count=1)
    assert {step.state for step in await world.enrol()} == {State.MADE}
    assert world.whole == whole
    assert is_one_of_each(world)
    assert world.okta_writes["POST /api/v1/apps"] == 1
    assert world.noted == [world.app.id]


@pytest.mark.parametrize("kind", [*LOSING, FaultKind.INTERNAL_ERROR, FaultKind.UNAVAILABLE])
@pytest.mark.parametrize("write", IN_OKTA)
async def test_an_outage_of_okta_s_ends_the_run_and_the_next_one_finishes_it(world, whole, write, kind):
    method, path = IN_OKTA[write]
    world.okta.fail(kind, method=method, path=path)
    world.okta.fail(FaultKind.UNAVAILABLE, method="GET", path="/api/v1/apps", after=2)
    with pytest.raises(OktaError):
        await world.enrol()
    assert world.connectors == world.plugins == {}
    await finished(world)
    assert world.whole == whole
    assert is_one_of_each(world)


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("lost", [{"code": grpc.StatusCode.UNAVAILABLE}, {"reset": True}], ids=["code", "reset"])
@pytest.mark.parametrize("write", IN_TELEPORT)
async def test_an_answer_of_teleport_s_that_is_lost_is_made_up_for_in_the_same_run(world, whole, write, applied, lost):
    world.teleport.faults.add(Fault(IN_TELEPORT[write], applied=applied, count=1, **lost))
    assert {step.state for step in await world.enrol()} == {State.MADE}
    assert world.whole == whole
    assert is_one_of_each(world)


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("write", IN_TELEPORT)
async def test_an_outage_of_teleport_s_ends_the_run_and_the_next_one_finishes_it(
    world, whole, monkeypatch, write, applied
):
    owner, name = WRITES[write](world.parts)
    done = getattr(owner, name)

    async def cut_off(*args, **more):
        lost = {"code": grpc.StatusCode.UNAVAILABLE}
        world.teleport.faults.add(Fault(IN_TELEPORT[write], applied=applied, count=1, **lost))
        world.teleport.faults.add(Fault("*", **lost))
        return await done(*args, **more)

    monkeypatch.setattr(owner, name, cut_off)
    with pytest.raises(TeleportError):
        await world.enrol()
    after = {"connector": {"connector", "settings"}, "settings": {"settings"}}[write]
    assert await finished(world) == (after - {write} if applied else after)
    assert world.whole == whole
    assert is_one_of_each(world)


async def test_an_app_that_the_listing_shows_late_is_found_and_not_made_twice(world, whole):
    world.okta.fail(FaultKind.TRUNCATED, method="POST", path="/api/v1/apps", count=1)
    # Two looks find nothing before the creation, and the first one after it neither.
    world.okta.fail(FaultKind.EMPTY, method="GET", path="/api/v1/apps", after=2, count=2)
    steps = await world.enrol()
    assert {step.state for step in steps} == {State.MADE}
    assert world.whole == whole
    assert is_one_of_each(world)


async def test_an_app_with_an_unknown_outcome_ends_the_run_and_nothing_else_is_made(world, whole):
    world.okta.fail(FaultKind.TRUNCATED, method="POST", path="/api/v1/apps")
    world.okta.fail(FaultKind.EMPTY, method="GET", path="/api/v1/apps", after=2)
    with pytest.raises(OktaOutcomeUnknownError, match="check in Okta"):
        await world.enrol()
    assert world.okta_writes == {"POST /api/v1/apps": 1}
    assert world.connectors == world.plugins == {}
    await finished(world)
    assert world.whole == whole
    assert is_one_of_each(world)


async def test_a_run_started_at_once_after_one_that_died_at_the_creation_makes_no_second_app(world, whole, monkeypatch):
    kill_at(world, "app", after=True, monkeypatch=monkeypatch)
    with pytest.raises(Killed):
        await world.enrol()
    monkeypatch.undo()
    world.okta.fail(FaultKind.EMPTY, method="GET", path="/api/v1/apps", count=2)
    with pytest.raises(ChangedMeanwhileError, match="enrol again"):
        await world.enrol()
    assert {step.name for step in await world.enrol() if step.state is State.MADE} == {
        "assignment",
        "connector",
        "settings",
    }
    assert world.whole == whole
    assert is_one_of_each(world)


async def test_an_app_that_could_not_be_stored_is_found_by_its_label(world, whole, monkeypatch):
    async def remember(_self, _made):
        raise StateError("the disk is full")

    monkeypatch.setattr(type(world), "_note", remember)
    assert {step.state for step in await world.enrol()} == {State.MADE}
    world.mark()
    assert {step.state for step in await world.enrol()} == {State.DONE}
    assert world.untouched


async def test_of_two_enrolments_at_once_one_is_refused(world, whole, tmp_path):
    first = world.enrolment()
    found = await first.look()
    await world.parts.teleport.lease.obtain(world.okta.id)
    own, world.sections["storage"] = world.sections["storage"], {"data_dir": str(tmp_path / "other")}
    parts, process = world.parts, world.process
    world.process = type(process)()
    await world.start()
    async with world.process:
        second = world.enrolment()
        seen = await second.look()
        with pytest.raises(StandbyError, match="another process writes"):
            await anext(second.run(seen))
        assert world.untouched
    world.parts, world.process, world.sections["storage"] = parts, process, own
    assert {step.state async for step in first.run(found)} == {State.MADE}
    assert world.whole == whole
    assert is_one_of_each(world)


@pytest.mark.parametrize("what", ["app", "connector", "settings"])
async def test_changes_between_look_and_run_are_found_before_the_first_write(world, what):
    await world.enrol()
    enrolment = world.enrolment(group_filters=("dev-*",))
    found = await enrolment.look()
    match what:
        case "app":
            world.okta.unassign_group(world.app.id, world.everyone)
        case "connector":
            world.teleport.administrator.connectors.delete(CONNECTOR)
        case "settings":
            edited = {"sync_settings": {"group_filters": ["ops-*"]}}
            world.teleport.administrator.plugins.edit("okta", settings=edited)
    world.mark()
    with pytest.raises(ChangedMeanwhileError, match="enrol again to see the present steps"):
        await anext(enrolment.run(found))
    assert world.untouched
    assert {step.state for step in await world.enrol(group_filters=("dev-*",))} == {State.DONE, State.MADE}


@pytest.mark.parametrize("write", ["connector", "settings"])
async def test_objects_that_others_make_during_the_run_are_not_overwritten(world, monkeypatch, write):
    owner, name = WRITES[write](world.parts)
    done = getattr(owner, name)

    async def overtaken(*args, **more):
        if write == "connector":
            await world.make_connector()
        else:
            world.teleport.administrator.plugins.install_okta(
                org=world.org_url, saml_connector=CONNECTOR, api_token="x", hosted=False, accesslist_sync=False
            )
        return await done(*args, **more)

    monkeypatch.setattr(owner, name, overtaken)
    with pytest.raises(ChangedMeanwhileError, match="was made"):
        await world.enrol()
    if write == "connector":
        assert world.connectors[CONNECTOR]["Spec"]["AttributesToRoles"][0]["Value"] == "Admins"
    else:
        assert world.settings()["syncSettings"].get("disableBidirectionalSync") is None


async def test_a_connector_that_others_edit_during_the_run_keeps_their_edit(world, monkeypatch):
    await world.enrol()
    world.okta.rotate_signing_key(world.app.id)
    update, edits = world.parts.teleport.connectors.update, ["Acme"]

    async def overtaken(connector):
        if edits:
            await world.teleport.administrator.connectors.edit(CONNECTOR, display=edits.pop())
        return await update(connector)

    monkeypatch.setattr(world.parts.teleport.connectors, "update", overtaken)
    steps = await world.enrol()
    assert steps[2].state is State.MADE
    assert world.connectors[CONNECTOR]["Spec"]["Display"] == "Acme"
    assert {step.state for step in await world.enrol()} == {State.DONE}


async def test_a_connector_that_is_deleted_during_the_run_is_an_error(world, monkeypatch):
    await world.enrol()
    world.okta.rotate_signing_key(world.app.id)
    update = world.parts.teleport.connectors.update

    async def overtaken(connector):
        world.teleport.administrator.connectors.delete(CONNECTOR)
        return await update(connector)

    monkeypatch.setattr(world.parts.teleport.connectors, "update", overtaken)
    with pytest.raises(ChangedMeanwhileError, match="was changed or deleted"):
        await world.enrol()
    monkeypatch.undo()
    assert {step.name for step in await world.enrol() if step.state is State.MADE} == {"connector"}


@pytest.mark.parametrize("deed", ["deleted", "edited"])
async def test_a_plugin_that_others_change_during_the_run_is_left(world, monkeypatch, deed):
    await world.enrol()
    update = world.parts.teleport.connectors.update
    edited = {"sync_settings": {"app_id": "0oaTheirs"}}

    async def overtaken(connector):
        if deed == "deleted":
            world.teleport.administrator.plugins.delete("okta")
        else:
            world.teleport.administrator.plugins.edit("okta", settings=edited)
        return await update(connector)

    monkeypatch.setattr(world.parts.teleport.connectors, "update", overtaken)
    world.okta.rotate_signing_key(world.app.id)
    with pytest.raises(ChangedMeanwhileError, match="plugin 'okta' was made, changed or deleted"):
        await world.enrol(group_filters=("dev-*",))
    assert ("okta" in world.plugins) == (deed == "edited")
    assert "groupFilters" not in str(world.plugins)


async def test_a_cancelled_run_is_finished_by_another(world, whole):
    world.teleport.faults.add(Fault("*/CreateSAMLConnector", latency=0.2, count=1, code=grpc.StatusCode.UNAVAILABLE))
    enrolling = asyncio.ensure_future(world.enrol())
    while not world.okta_writes.get("PUT /api/v1/apps/{id}/groups/{group}"):
        await asyncio.sleep(0.01)
    enrolling.cancel()
    await asyncio.gather(enrolling, return_exceptions=True)
    await finished(world)
    assert world.whole == whole
    assert is_one_of_each(world)
