"""The end of access: members leave, groups lose apps, lists are deleted; a bad read ends no access."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.demo.runner import actions
from teleport_okta.demo.scenes import Check
from teleport_okta.plan.changes import LOCK, MEMBER, USER

if TYPE_CHECKING:
    from teleport_okta.demo.company import Company
    from teleport_okta.demo.runner import Runner

_NIGHT: Final = timedelta(hours=2)
_OUTAGE: Final = timedelta(minutes=40)
"""No app server expires in an outage of this length: each is renewed 40 minutes before its end."""


@dataclass(frozen=True, slots=True)
class Team:
    """The list of these scenes: its group's id, two people who are in the group, and a member whom a person added."""

    group: str
    stays: str
    goes: str
    guest: str


async def run_access_ends(runner: Runner, company: Company, team: Team) -> None:
    """Run the scenes after the list was edited."""
    await _member_leaves(runner, team)
    await _app_removed(runner, company, team)
    await _leaver(runner, team)
    await _deleted_by_hand(runner, company, team)
    await _app_deactivated(runner, company)
    await _last_member(runner, team)
    await _hidden_groups(runner, company)
    await _outage(runner, company)


async def _member_leaves(runner: Runner, team: Team) -> None:
    runner.organization.remove_member(team.group, runner.organization.user(team.goes).id)
    report = await runner.next_pass()
    found = runner.setup.lists()[team.group]
    runner.show(
        "A member leaves the group",
        f"{team.goes} is removed from the group in Okta",
        report,
        Check("one change was planned", actions(report) == ["delete"]),
        Check(f"{team.goes} is no longer a member of the list", team.goes not in found.members),
        Check(f"{team.stays} is still a member", found.imported == {team.stays}),
        Check("so is the member whom a person added, who is not in the group in Okta", found.added == {team.guest}),
    )


async def _app_removed(runner: Runner, company: Company, team: Team) -> None:
    app = company.app("Wiki")
    before = runner.setup.granted_apps()
    runner.organization.unassign_group(app, team.group)
    report = await runner.next_pass()
    after = runner.setup.granted_apps()
    runner.show(
        "A group loses an app",
        f"the assignment of {company.apps()[app]} to the group is removed in Okta",
        report,
        Check(
            "members of the list may no longer use the app", (before[team.group], after[team.group]) == ({app}, set())
        ),
        Check("the user group no longer has it", runner.setup.user_groups()[team.group] == ()),
        Check("other lists grant the same apps as before", {**before, team.group: set()} == after),
    )


async def _leaver(runner: Runner, team: Team) -> None:
    spared = {team.stays, team.guest, runner.login(-1)}
    lists = runner.setup.lists()
    memberships = {
        login: {name for name, found in lists.items() if login in found.members}
        for login in runner.setup.users()
        if login not in spared
    }
    login = max(memberships, key=lambda one: len(memberships[one]))
    runner.unassign(login)
    report = await runner.next_pass()
    left = len(memberships[login])
    kinds = [change.kind for change in report.plan.changes]
    runner.show(
        "A leaver with memberships",
        f"{login}, who is in {left} lists, is unassigned from the app in Okta",
        report,
        Check(
            "the lock was set first, then the memberships were deleted, then the user",
            (kinds[0], kinds[: kinds.index(USER)].count(MEMBER)) == (LOCK, left),
        ),
        Check("the user is gone, and locked", runner.user(login) is None and login in runner.setup.locks()),
        Check("and is in no list", not any(login in found.members for found in runner.setup.lists().values())),
    )


async def _deleted_by_hand(runner: Runner, company: Company, team: Team) -> None:
    lists = runner.setup.lists()
    group = min(lists.keys() & company.groups().keys() - {team.group}, key=lambda name: len(lists[name].members))
    before = lists[group]
    runner.setup.cluster.administrator.lists.delete(group)
    report = await runner.next_pass()
    after = runner.setup.lists().get(group)
    runner.show(
        "A list deleted by hand",
        f"an administrator deletes the list {before.title} in Teleport; Okta still has people in the group",
        report,
        Check("the list was created again", after is not None and after.title == before.title),
        Check("with the same members", after is not None and after.members.keys() == before.members.keys()),
        Check("and a warning reports it", any(group in warning for warning in report.plan.warnings)),
    )


async def _app_deactivated(runner: Runner, company: Company) -> None:
    app, before = company.app("Tickets"), runner.setup.lists()
    label = company.apps()[app]
    runner.organization.deactivate_app(app)
    report = await runner.next_pass()
    runner.show(
        "An app is deactivated",
        f"{label} is deactivated in Okta",
        report,
        Check("its app server is gone", runner.setup.apps().keys() == company.apps().keys()),
        Check("its access list is gone, and no other", runner.setup.lists().keys() == before.keys() - {app}),
        Check("no list grants it", not any(app in granted for granted in runner.setup.granted_apps().values())),
    )


async def _last_member(runner: Runner, team: Team) -> None:
    runner.setup.cluster.administrator.lists.remove_member(team.group, team.guest)
    runner.organization.remove_member(team.group, runner.organization.user(team.stays).id)
    report = await runner.next_pass()
    runner.show(
        "The last member of a list",
        f"{team.stays} leaves the group in Okta, and {team.guest} is removed from the list in Teleport",
        report,
        Check("the list is gone", team.group not in runner.setup.lists()),
        Check("and so are its roles", team.group not in runner.setup.granted_apps()),
        Check("the user group is still there, because Okta has the group", team.group in runner.setup.user_groups()),
    )


async def _hidden_groups(runner: Runner, company: Company) -> None:
    setup = runner.setup
    before = (setup.user_groups(), setup.lists(), setup.granted_apps())
    runner.organization.narrow_role(hide=company.groups())
    report = await runner.next_pass()
    runner.show(
        "An empty listing of groups",
        "our admin role in Okta is narrowed: the listing of groups is empty",
        report,
        Check(
            "user groups, lists, members and grants are unchanged",
            before == (setup.user_groups(), setup.lists(), setup.granted_apps()),
        ),
        Check(
            "every deletion is held",
            {held.name for held in report.plan.findings.held} >= before[0].keys(),
        ),
    )
    runner.organization.restore_role()
    report = await runner.next_pass()
    runner.show(
        "The groups are back",
        "our admin role is restored",
        report,
        Check("nothing is held any more", not report.plan.findings.held),
        Check(
            "and everything is as before",
            before == (setup.user_groups(), setup.lists(), setup.granted_apps()),
        ),
    )


async def _outage(runner: Runner, company: Company) -> None:
    setup = runner.setup
    now = setup.clock.now()
    renewed = all(end - now > _OUTAGE for end in setup.apps().values())
    lists = setup.lists()
    setup.clock.forward(_NIGHT)
    ended = not setup.apps()
    report = await runner.next_pass()
    runner.show(
        "An outage at night",
        "the machine of the service is down for two hours",
        report,
        Check("the app servers had been renewed: an outage of 40 minutes would have ended none", renewed),
        Check("in two hours they expired", ended),
        Check("the first pass creates them again", setup.apps().keys() == company.apps().keys()),
        Check("the lists stayed as they were", setup.lists() == lists),
    )
