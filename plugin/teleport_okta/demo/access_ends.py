"""How access ends: members leave, apps are taken away, lists are deleted and die, and a bad read ends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.demo.runner import actions
from teleport_okta.demo.scenes import Check
from teleport_okta.plan.changes import LOCK, MEMBER, USER

if TYPE_CHECKING:
    from teleport_okta.demo.company import Company
    from teleport_okta.demo.runner import Play

_NIGHT: Final = timedelta(hours=2)
_OUTAGE: Final = timedelta(minutes=40)
"""An outage as long as this loses no app server."""


@dataclass(frozen=True, slots=True)
class Team:
    """The list whose life is told: its group's id, two people whom Okta has in it, and one whom a person added."""

    group: str
    stays: str
    goes: str
    guest: str


async def tell_access_ends(play: Play, company: Company, team: Team) -> None:
    """Play the second half of the day."""
    await _member_leaves(play, team)
    await _app_taken(play, company, team)
    await _leaver(play, team)
    await _deleted_by_hand(play, company, team)
    await _app_deactivated(play, company)
    await _death(play, team)
    await _hidden_groups(play, company)
    await _night_without_us(play, company)


async def _member_leaves(play: Play, team: Team) -> None:
    play.organization.remove_member(team.group, play.organization.user(team.goes).id)
    report = await play.next_pass()
    found = play.stage.lists()[team.group]
    play.tell(
        "A member leaves the group",
        f"{team.goes} is taken out of the group in Okta",
        report,
        Check("one change was planned", actions(report) == ["delete"]),
        Check(f"{team.goes} is out of the list", team.goes not in found.members),
        Check(f"{team.stays} is still in it", found.imported == {team.stays}),
        Check("and so is whom a person added, although Okta knows nothing of it", found.added == {team.guest}),
    )


async def _app_taken(play: Play, company: Company, team: Team) -> None:
    app = company.app("Wiki")
    before = play.stage.granted_apps()
    play.organization.unassign_group(app, team.group)
    report = await play.next_pass()
    after = play.stage.granted_apps()
    play.tell(
        "An app is taken from the group",
        f"{company.apps()[app]} is taken from the group in Okta",
        report,
        Check("members of the list have the app no more", (before[team.group], after[team.group]) == ({app}, set())),
        Check("the user group shows it no more", play.stage.user_groups()[team.group] == ()),
        Check("other lists grant what they did", {**before, team.group: set()} == after),
    )


async def _leaver(play: Play, team: Team) -> None:
    spared = {team.stays, team.guest, play.somebody(-1)}
    lists = play.stage.lists()
    memberships = {
        login: {name for name, found in lists.items() if login in found.members}
        for login in play.stage.users()
        if login not in spared
    }
    login = max(memberships, key=lambda one: len(memberships[one]))
    play.unassign(login)
    report = await play.next_pass()
    left = len(memberships[login])
    kinds = [change.kind for change in report.plan.changes]
    play.tell(
        "A leaver who is in lists",
        f"{login}, who is in {left} lists, is unassigned from Teleport in Okta",
        report,
        Check(
            "the lock came first, then the memberships went, then the user",
            (kinds[0], kinds[: kinds.index(USER)].count(MEMBER)) == (LOCK, left),
        ),
        Check("the user is gone, and locked", play.user(login) is None and login in play.stage.locks()),
        Check("and is in no list", not any(login in found.members for found in play.stage.lists().values())),
    )


async def _deleted_by_hand(play: Play, company: Company, team: Team) -> None:
    lists = play.stage.lists()
    group = min(lists.keys() & company.groups().keys() - {team.group}, key=lambda name: len(lists[name].members))
    before = lists[group]
    play.stage.cluster.administrator.lists.delete(group)
    report = await play.next_pass()
    after = play.stage.lists().get(group)
    play.tell(
        "A list deleted by hand",
        f"an administrator deletes the list {before.title} in Teleport; Okta still has people in the group",
        report,
        Check("the list came back", after is not None and after.title == before.title),
        Check("with the same people", after is not None and after.members.keys() == before.members.keys()),
        Check("and that is reported", any(group in warning for warning in report.plan.warnings)),
    )


async def _app_deactivated(play: Play, company: Company) -> None:
    app, before = company.app("Tickets"), play.stage.lists()
    label = company.apps()[app]
    play.organization.deactivate_app(app)
    report = await play.next_pass()
    play.tell(
        "An app is deactivated",
        f"{label} is deactivated in Okta",
        report,
        Check("its app server is gone", play.stage.apps().keys() == company.apps().keys()),
        Check("its access list is gone, and no other", play.stage.lists().keys() == before.keys() - {app}),
        Check("no list grants it", not any(app in granted for granted in play.stage.granted_apps().values())),
    )


async def _death(play: Play, team: Team) -> None:
    play.stage.cluster.administrator.lists.remove_member(team.group, team.guest)
    play.organization.remove_member(team.group, play.organization.user(team.stays).id)
    report = await play.next_pass()
    play.tell(
        "A list dies",
        f"{team.stays}, the last member, leaves the group in Okta, and {team.guest} is taken out in Teleport",
        report,
        Check("the list is gone", team.group not in play.stage.lists()),
        Check("and its roles", team.group not in play.stage.granted_apps()),
        Check("the user group is still there, as the group is in Okta", team.group in play.stage.user_groups()),
    )


async def _hidden_groups(play: Play, company: Company) -> None:
    stage = play.stage
    before = (stage.user_groups(), stage.lists(), stage.granted_apps())
    play.organization.narrow_role(hide=company.groups())
    report = await play.next_pass()
    play.tell(
        "The groups vanish",
        "somebody narrows our admin role in Okta: the listing of groups comes back empty",
        report,
        Check(
            "user groups, lists, their members and what they grant are as before",
            before == (stage.user_groups(), stage.lists(), stage.granted_apps()),
        ),
        Check(
            "everything that would end is held",
            {held.name for held in report.plan.findings.held} >= before[0].keys(),
        ),
    )
    play.organization.restore_role()
    report = await play.next_pass()
    play.tell(
        "The groups are back",
        "our admin role sees the groups again",
        report,
        Check("nothing is held any more", not report.plan.findings.held),
        Check(
            "and all is as before",
            before == (stage.user_groups(), stage.lists(), stage.granted_apps()),
        ),
    )


async def _night_without_us(play: Play, company: Company) -> None:
    stage = play.stage
    now = stage.clock.now()
    renewed = all(end - now > _OUTAGE for end in stage.apps().values())
    lists = stage.lists()
    stage.clock.forward(_NIGHT)
    ended = not stage.apps()
    report = await play.next_pass()
    play.tell(
        "A night without us",
        "the machine that runs us is down for two hours",
        report,
        Check("until then the app servers were renewed, so that 40 minutes would have lost none", renewed),
        Check("meanwhile they ended by themselves", ended),
        Check("they are back with the first pass", stage.apps().keys() == company.apps().keys()),
        Check("the lists were there all the time", stage.lists() == lists),
    )
