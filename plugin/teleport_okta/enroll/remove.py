"""`enroll --remove`: undoes an enrolment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.app import connected, opened_base
from teleport_okta.background_tasks import in_background
from teleport_okta.enroll.flow import NotAgreedError, Outcome, refuse_beside_service, settings_to_begin_with
from teleport_okta.saml.enrolment import State
from teleport_okta.saml.removal import Removal
from teleport_okta.service.process import set_up_logs

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.enroll.answers import Answers
    from teleport_okta.enroll.console import Console


async def remove_enrolment(config: Path, answers: Answers, talk: Console, clock: Clock | None = None) -> Outcome:
    """Remove the objects of an enrolment. The configuration file stays, and so do users, groups and lists.

    Raises OktaError, TeleportError, StateError, ConfigError or NotAgreedError; another run does the rest.
    """
    settings = settings_to_begin_with(config, answers)
    set_up_logs(settings, among_output=True)
    await refuse_beside_service(settings)
    outcome = Outcome()
    async with (
        opened_base(settings, clock=clock) as base,
        in_background(base.clock, *base.background_tasks),
        connected(base, settings) as parts,
    ):
        organization = await parts.okta.people.organization()
        if base.teleport.lease is not None:
            await base.teleport.lease.obtain(organization.id)
        removal = Removal(
            parts.saml_apps,
            base.teleport,
            org_id=organization.id,
            connector=answers.connector,
            plugin=answers.plugin,
            created_app_id=await base.store.enrolled_app(answers.connector) or "",
        )
        found = await removal.look()
        steps = removal.steps(found)
        for step in steps:
            talk.show(step)
        if not any(step.state is State.TO_DO for step in steps):
            talk.say("there is nothing to remove")
            return outcome
        if not await talk.agrees("Remove this?"):
            raise NotAgreedError("nothing was removed", remedy="run it again to remove the enrolment")
        async for step in removal.run(found):
            outcome.steps.append(step)
            if step.state is not State.DONE:
                talk.show(step)
            if step.name == "app" and step.state is State.MADE:
                await base.store.remember_enrolled_app(answers.connector, "")
    talk.say("users, groups and lists stay in Teleport: `teleport-okta cleanup` removes them")
    return outcome
