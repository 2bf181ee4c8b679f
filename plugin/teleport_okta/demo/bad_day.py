"""A bad day: an empty read, a reused login, a narrowed admin role, and the decisions of an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.demo.runner import actions
from teleport_okta.demo.scenes import Check
from teleport_okta.model.harm import Evidence
from teleport_okta.sync.policy import limits_of

if TYPE_CHECKING:
    from teleport_okta.demo.runner import Runner


async def run_bad_day(runner: Runner) -> None:
    """Run the scenes."""
    await _bad_read(runner)
    await _reused_login(runner)
    digest = await _narrowed_role(runner)
    await _approval(runner, digest)
    await _widened_role(runner)


async def _bad_read(runner: Runner) -> None:
    before = set(runner.setup.users())
    runner.organization.fail("empty", path="/api/v1/apps/*/users")
    report = await runner.next_pass()
    runner.show(
        "A bad read",
        "Okta returns an empty list of people; reads by id show that they are still assigned",
        report,
        Check("no user was deleted", set(runner.setup.users()) == before),
        Check("no user was locked", not report.plan.changes),
        Check("there is nothing to approve", not report.plan.findings.held_digest),
        whole=False,
    )
    runner.organization.recover()
    report = await runner.next_pass()
    runner.show(
        "The day after",
        "Okta returns the whole list again",
        report,
        Check("there is nothing to do", not report.plan.changes and not report.plan.findings.held),
    )


async def _reused_login(runner: Runner) -> None:
    login = runner.login(12)
    runner.unassign(login)
    await runner.next_pass()
    lock = runner.setup.locks()[login]
    runner.organization.update_profile(login, login=f"former.{login}")
    newcomer = runner.organization.create_user({"firstName": "New", "lastName": "Hire", "login": login, "email": login})
    runner.assign(login)
    report = await runner.next_pass()
    runner.show(
        "A reused login",
        f"{login} has left, and a new hire gets the same login",
        report,
        Check("the new hire is in quarantine", newcomer.id in {row.okta_id for row in report.plan.quarantined}),
        Check("the lock still stops certificates of the person who left", runner.setup.locks().get(login) == lock),
    )
    await runner.setup.parts.full_pass.release(login)
    report = await runner.next_pass()
    user = runner.user(login)
    runner.show(
        "An operator releases the name",
        f"teleport-okta release {login}",
        report,
        Check("the user belongs to the new hire", user is not None and user.okta_id == newcomer.id),
        Check("and is not locked", login not in runner.setup.locks()),
    )


async def _narrowed_role(runner: Runner) -> str:
    """Hide more people than may go in an hour; return the digest of the held harm."""
    before = set(runner.setup.users())
    most = limits_of(runner.setup.settings.brake).most(Evidence.ABSENT, len(before))
    hidden = sorted(before)[: most + 1]
    runner.organization.narrow_role(hide=[runner.setup.users()[name].okta_id for name in hidden])
    report = await runner.next_pass()
    findings = report.plan.findings
    runner.show(
        "A narrowed admin role",
        f"our admin role in Okta is narrowed: {len(hidden)} of {len(before)} people are missing from the listing",
        report,
        Check("the brake holds all their deletions", sorted(held.name for held in findings.held) == hidden),
        Check("no user was deleted or locked", set(runner.setup.users()) == before and not report.plan.changes),
    )
    return findings.held_digest


async def _approval(runner: Runner, digest: str) -> None:
    store, clock = runner.setup.parts.store, runner.setup.clock
    approval = await store.approvals.approve(digest, at=clock.now())
    approved = {harmed.name for harmed in approval.harmed}
    report = await runner.next_pass()
    runner.show(
        "The approval",
        f"the change was intended, and these people must lose access: teleport-okta approve {digest}",
        report,
        Check("these users are gone", not approved & runner.setup.users().keys()),
        Check(
            "each was locked before the deletion",
            actions(report) == ["lock"] * len(approved) + ["delete"] * len(approved),
        ),
        Check("and nothing is held any more", not report.plan.findings.held),
    )


async def _widened_role(runner: Runner) -> None:
    before = set(runner.setup.users())
    for login in runner.assigned() - before:
        runner.unassign(login)
    runner.organization.restore_role()
    report = await runner.next_pass()
    runner.show(
        "The role is widened again",
        "these people are unassigned in Okta too, and our admin role is restored",
        report,
        Check("there is nothing to do", not report.plan.changes and not report.plan.findings.held),
        Check("no user was created again", set(runner.setup.users()) == before),
    )
