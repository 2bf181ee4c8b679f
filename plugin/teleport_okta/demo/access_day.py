"""What people may reach: groups, apps and access lists are switched on, and a list is born and edited by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.cli.filters import preview_lines
from teleport_okta.demo.access_ends import Team, tell_access_ends
from teleport_okta.demo.company import Company
from teleport_okta.demo.scenes import Check
from teleport_okta.desired.preview import Verdict
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.plan.changes import ACCESS_LIST

if TYPE_CHECKING:
    from teleport_okta.demo.runner import Play
    from teleport_okta.sync.report import PassReport

_GROUPS: Final = "*Leads*"
_APPS: Final = "^(Wiki|Tickets) .*$"
_NEW_GROUP: Final = "Cryptography Leads"
_REASON: Final = "covers for a colleague on leave"


async def tell_access_day(play: Play) -> None:
    """Play the day, from the configuration that is changed to the night after."""
    owner = play.somebody(-1)
    await play.stage.restart(
        {
            "sync": {"apps_and_groups": True},
            "access_lists": {"default_owners": [owner], "group_filters": [_GROUPS], "app_filters": [_APPS]},
        }
    )
    company = Company(play)
    announced = await _look_first(play, company)
    await _first_pass(play, company, announced)
    group = await _new_group(play, company)
    team = await _birth(play, group, owner)
    await _edited_by_people(play, team)
    await tell_access_ends(play, company, team)


async def _look_first(play: Play, company: Company) -> set[str]:
    """Ask what the filters would do; return the Okta ids of the lists that are announced."""
    found = await play.stage.parts.full_pass.preview_filters((_GROUPS,), (_APPS,), live=True)
    announced = {match.okta_id for match in found.matches if match.verdict is Verdict.ADDED}
    fitting = {okta_id for okta_id, name in company.groups().items() if "Leads" in name}
    fitting |= {okta_id for okta_id, label in company.apps().items() if label.startswith(("Wiki ", "Tickets "))}
    play.tell_command(
        "A look before it is switched on",
        "the process is ended, and groups, apps and access lists are switched on in its configuration; before it is "
        f"started again: teleport-okta filters --group '{_GROUPS}' --app '{_APPS}' --live",
        map(str, preview_lines(found)),
        Check("it names the groups and apps that fit", {match.okta_id for match in found.matches} == fitting),
        Check(
            "and how many users of ours Okta has in each",
            all(match.members == len(company.people(match.okta_id)) for match in found.matches),
        ),
        Check("nothing has changed in Teleport", not play.stage.lists() and not play.stage.user_groups()),
    )
    return announced


async def _first_pass(play: Play, company: Company, announced: set[str]) -> None:
    stage = play.stage
    report = await play.next_pass()
    lists, granted = stage.lists(), stage.granted_apps()
    mark = play.organization.mark()
    again = await play.next_pass()
    calls = play.organization.calls_since(mark).total
    forecast = sum(report.plan.cost.next_calls.values()) if report.plan.cost else 0
    play.tell(
        "What people may reach",
        f"the process is started again: Okta has {len(company.groups())} groups and {len(company.apps())} apps that "
        "people launch, and Teleport knows none of them",
        report,
        Check("each group is a user group", stage.user_groups().keys() == company.groups().keys()),
        Check("each app is an app server; Okta's own apps are none", stage.apps().keys() == company.apps().keys()),
        Check("there is an access list for exactly those that were announced", lists.keys() == announced),
        Check(
            "in each are the users whom Okta has in it, and nobody else",
            all(found.members.keys() == found.imported == company.people(name) for name, found in lists.items()),
        ),
        Check(
            "whoever is in a list may use the apps that Okta grants with it",
            all(granted[name] == company.granted(name) for name in lists),
        ),
        Check("a second pass plans nothing", not again.plan.changes),
        Check(f"and makes the {forecast} Okta calls that the first one announced", calls == forecast),
    )


async def _new_group(play: Play, company: Company) -> str:
    group = play.organization.create_group(_NEW_GROUP, "Whoever leads cryptography").id
    wiki = company.app("Wiki")
    play.organization.assign_group(wiki, group)
    report = await play.next_pass()
    play.tell(
        "A new group",
        f"Okta has a new group, {_NEW_GROUP}, which grants an app; nobody is in it",
        report,
        Check("there is a user group, with its app", len(play.stage.user_groups().get(group, ())) == 1),
        Check("and no access list, since nobody would be in it", group not in play.stage.lists()),
    )
    return group


async def _birth(play: Play, group: str, owner: str) -> Team:
    first, second, guest = play.somebody(0), play.somebody(1), play.somebody(2)
    for login in (first, second):
        play.organization.add_member(group, play.organization.user(login).id)
    report = await play.next_pass()
    team = Team(group, stays=first, goes=second, guest=guest)
    found = play.stage.lists().get(group)
    ahead = found.review - play.stage.clock.now() if found else timedelta()
    play.tell(
        "A list is born",
        f"{first} and {second} join the group",
        report,
        Check("the group has an access list", found is not None and found.title == _NEW_GROUP),
        Check("both are in it, marked as imported", found is not None and found.imported == {first, second}),
        Check("the default owner owns it", found is not None and found.owners == (owner,)),
        Check("its first review is half a year away", timedelta(days=150) < ahead < timedelta(days=215)),
        Check(
            "its roles are granted to members and to owners",
            found is not None
            and (found.grants, found.owner_grants) == ((member_role(group),), (reviewer_role(group),)),
        ),
    )
    return team


async def _edited_by_people(play: Play, team: Team) -> None:
    administrator, before = play.stage.cluster.administrator.lists, play.stage.lists()[team.group]
    until = play.stage.clock.now().replace(microsecond=0) + timedelta(days=30)
    owners = (*before.owners, team.stays)
    administrator.edit(team.group, title="The cryptographers", owners=owners, grants=(*before.grants, "editor"))
    administrator.add_member(team.group, team.guest, expires=until.timestamp(), reason=_REASON)
    report = await play.next_pass()
    after = play.stage.lists()[team.group]
    guest = after.members[team.guest]
    play.tell(
        "A list is edited by people",
        f"in Teleport, somebody gives it another title and a second owner, adds {team.guest} for 30 days, and has it "
        "grant the role editor as well",
        report,
        Check("what it grants is as before", after.grants == before.grants),
        Check("nothing else of the list was written", _written(report, team.group) == ["grants"]),
        Check("the title and the owners are as the person left them", after.owners == owners != before.owners),
        Check("whom the person added is there, and not taken for an import", after.added == {team.guest}),
        Check(
            "with the end, the reason and the author",
            (guest.ends, guest.reason, guest.added_by) == (until, _REASON, "administrator"),
        ),
    )


def _written(report: PassReport, list_name: str) -> list[str]:
    """Return which fields of a list a pass wrote."""
    changes = [change for change in report.plan.changes if (change.kind, change.name) == (ACCESS_LIST, list_name)]
    return [field.field for change in changes for field in change.fields]
