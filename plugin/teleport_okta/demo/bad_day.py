"""A bad day: a read that is empty, a login that is reused, an admin role that was narrowed, and what people decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.demo.runner import actions
from teleport_okta.demo.scenes import Check
from teleport_okta.model.harm import Evidence
from teleport_okta.sync.reader import limits_of

if TYPE_CHECKING:
    from teleport_okta.demo.runner import Play


async def tell_bad_day(play: Play) -> None:
    """Play the day."""
    await _bad_read(play)
    await _reused_login(play)
    digest = await _narrowed_role(play)
    await _approval(play, digest)
    await _widened_role(play)


async def _bad_read(play: Play) -> None:
    before = set(play.stage.users())
    play.organization.fail("empty", path="/api/v1/apps/*/users")
    report = await play.next_pass()
    play.tell(
        "A bad read",
        "Okta answers with an empty list of people, and reads by id show that they are still assigned",
        report,
        Check("nobody was deleted", set(play.stage.users()) == before),
        Check("nobody was locked", not report.plan.changes),
        Check("nothing of it can be approved", not report.plan.findings.held_digest),
        whole=False,
    )
    play.organization.recover()
    report = await play.next_pass()
    play.tell(
        "The day after",
        "Okta answers as before",
        report,
        Check("there is nothing to do", not report.plan.changes and not report.plan.findings.held),
    )


async def _reused_login(play: Play) -> None:
    login = play.somebody(12)
    play.unassign(login)
    await play.next_pass()
    lock = play.stage.locks()[login]
    play.organization.update_profile(login, login=f"former.{login}")
    newcomer = play.organization.create_user({"firstName": "New", "lastName": "Hire", "login": login, "email": login})
    play.assign(login)
    report = await play.next_pass()
    play.tell(
        "A reused login",
        f"{login} has left, and somebody else is hired under the login",
        report,
        Check("the newcomer waits in quarantine", newcomer.id in {row.okta_id for row in report.plan.quarantined}),
        Check("the predecessor's lock still stops old certificates", play.stage.locks().get(login) == lock),
    )
    await play.stage.parts.full_pass.release(login)
    report = await play.next_pass()
    user = play.user(login)
    play.tell(
        "An operator releases the name",
        f"teleport-okta release {login}",
        report,
        Check("the newcomer has the user", user is not None and user.okta_id == newcomer.id),
        Check("and is not locked", login not in play.stage.locks()),
    )


async def _narrowed_role(play: Play) -> str:
    """Hide more people than an hour may take away; return the digest of what is held."""
    before = set(play.stage.users())
    most = limits_of(play.stage.settings.brake).most(Evidence.ABSENT, len(before))
    hidden = sorted(before)[: most + 1]
    play.organization.narrow_role(hide=[play.stage.users()[name].okta_id for name in hidden])
    report = await play.next_pass()
    findings = report.plan.findings
    play.tell(
        "A narrowed admin role",
        f"somebody narrows our admin role in Okta: {len(hidden)} of {len(before)} people vanish from the listing",
        report,
        Check("the brake holds all of them", sorted(held.name for held in findings.held) == hidden),
        Check("nobody was deleted or locked", set(play.stage.users()) == before and not report.plan.changes),
    )
    return findings.held_digest


async def _approval(play: Play, digest: str) -> None:
    store, clock = play.stage.parts.store, play.stage.clock
    approval = await store.approvals.approve(digest, at=clock.now())
    approved = {harmed.name for harmed in approval.harmed}
    report = await play.next_pass()
    play.tell(
        "Its approval",
        f"it was meant: these people are not to reach Teleport any more: teleport-okta approve {digest}",
        report,
        Check("exactly those have left", not approved & play.stage.users().keys()),
        Check(
            "each was locked before being deleted",
            actions(report) == ["lock"] * len(approved) + ["delete"] * len(approved),
        ),
        Check("and nothing is held any more", not report.plan.findings.held),
    )


async def _widened_role(play: Play) -> None:
    before = set(play.stage.users())
    for login in play.assigned() - before:
        play.unassign(login)
    play.organization.restore_role()
    report = await play.next_pass()
    play.tell(
        "The role is widened again",
        "those people are unassigned in Okta as well, and our admin role sees everybody again",
        report,
        Check("there is nothing to do", not report.plan.changes and not report.plan.findings.held),
        Check("nobody came back", set(play.stage.users()) == before),
    )
