"""Access: groups, apps and access lists are switched on; a list is created, and edited by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.cli.filters import preview_lines
from teleport_okta.demo.access_ends import Team, run_access_ends
from teleport_okta.demo.company import Company
from teleport_okta.demo.scenes import Check
from teleport_okta.desired.preview import Verdict
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.plan.changes import ACCESS_LIST

if TYPE_CHECKING:
    from teleport_okta.demo.runner import Runner
    from teleport_okta.sync.report import PassReport

_GROUPS: Final = "*Leads*"
_APPS: Final = "^(Wiki|Tickets) .*$"
_NEW_GROUP: Final = "Cryptography Leads"
_REASON: Final = "covers for a colleague on leave"


async def run_access_day(runner: Runner) -> None:
    """Run the scenes, from the change of the configuration on."""
    owner = runner.login(-1)
    await runner.setup.restart(
        {
            "sync": {"apps_and_groups": True},
            "access_lists": {"default_owners": [owner], "group_filters": [_GROUPS], "app_filters": [_APPS]},
        }
    )
    company = Company(runner)
    announced = await _look_first(runner, company)
    await _first_pass(runner, company, announced)
    group = await _new_group(runner, company)
    team = await _new_list(runner, group, owner)
    await _edited_by_people(runner, team)
    await run_access_ends(runner, company, team)


async def _look_first(runner: Runner, company: Company) -> set[str]:
    """Preview the filters; return the Okta ids of the lists that would be created."""
    found = await runner.setup.parts.full_pass.preview_filters((_GROUPS,), (_APPS,), live=True)
    announced = {match.okta_id for match in found.matches if match.verdict is Verdict.ADDED}
    fitting = {okta_id for okta_id, name in company.groups().items() if "Leads" in name}
    fitting |= {okta_id for okta_id, label in company.apps().items() if label.startswith(("Wiki ", "Tickets "))}
    runner.show_command(
        "A preview of the filters",
        "the process is stopped, and groups, apps and access lists are switched on in its configuration; before the "
        f"next start: teleport-okta filters --group '{_GROUPS}' --app '{_APPS}' --live",
        map(str, preview_lines(found)),
        Check("it lists the groups and apps that pass", {match.okta_id for match in found.matches} == fitting),
        Check(
            "with the number of our users in each",
            all(match.members == len(company.people(match.okta_id)) for match in found.matches),
        ),
        Check("nothing has changed in Teleport", not runner.setup.lists() and not runner.setup.user_groups()),
    )
    return announced


async def _first_pass(runner: Runner, company: Company, announced: set[str]) -> None:
    setup = runner.setup
    report = await runner.next_pass()
    lists, granted = setup.lists(), setup.granted_apps()
    mark = runner.organization.mark()
    again = await runner.next_pass()
    calls = runner.organization.calls_since(mark).total
    forecast = sum(report.plan.cost.next_calls.values()) if report.plan.cost else 0
    runner.show(
        "Groups, apps and access lists",
        f"the process is started again; Okta has {len(company.groups())} groups and {len(company.apps())} apps that "
        "people can launch, and Teleport has none of them",
        report,
        Check("each group has a user group", setup.user_groups().keys() == company.groups().keys()),
        Check("each app has an app server; Okta's own apps have none", setup.apps().keys() == company.apps().keys()),
        Check("exactly the groups and apps in the preview have an access list", lists.keys() == announced),
        Check(
            "each list has exactly the users who are in its group or app in Okta",
            all(found.members.keys() == found.imported == company.people(name) for name, found in lists.items()),
        ),
        Check(
            "members of a list may use the apps that Okta grants to its group",
            all(granted[name] == company.granted(name) for name in lists),
        ),
        Check("a second pass plans nothing", not again.plan.changes),
        Check(f"and makes the {forecast} Okta calls that the first one forecast", calls == forecast),
    )


async def _new_group(runner: Runner, company: Company) -> str:
    group = runner.organization.create_group(_NEW_GROUP, "People who lead cryptography").id
    wiki = company.app("Wiki")
    runner.organization.assign_group(wiki, group)
    report = await runner.next_pass()
    runner.show(
        "A new group",
        f"Okta has a new group, {_NEW_GROUP}, which grants an app; the group is empty",
        report,
        Check("it has a user group, with the app", len(runner.setup.user_groups().get(group, ())) == 1),
        Check("and no access list, because the list would be empty", group not in runner.setup.lists()),
    )
    return group


async def _new_list(runner: Runner, group: str, owner: str) -> Team:
    first, second, guest = runner.login(0), runner.login(1), runner.login(2)
    for login in (first, second):
        runner.organization.add_member(group, runner.organization.user(login).id)
    report = await runner.next_pass()
    team = Team(group, stays=first, goes=second, guest=guest)
    found = runner.setup.lists().get(group)
    ahead = found.review - runner.setup.clock.now() if found else timedelta()
    runner.show(
        "A new access list",
        f"{first} and {second} join the group",
        report,
        Check("the group has an access list", found is not None and found.title == _NEW_GROUP),
        Check("both are members, marked as imported", found is not None and found.imported == {first, second}),
        Check("the default owner is its owner", found is not None and found.owners == (owner,)),
        Check("its first review is in half a year", timedelta(days=150) < ahead < timedelta(days=215)),
        Check(
            "members and owners are granted its roles",
            found is not None
            and (found.grants, found.owner_grants) == ((member_role(group),), (reviewer_role(group),)),
        ),
    )
    return team


async def _edited_by_people(runner: Runner, team: Team) -> None:
    administrator, before = runner.setup.cluster.administrator.lists, runner.setup.lists()[team.group]
    until = runner.setup.clock.now().replace(microsecond=0) + timedelta(days=30)
    owners = (*before.owners, team.stays)
    administrator.edit(team.group, title="The cryptographers", owners=owners, grants=(*before.grants, "editor"))
    administrator.add_member(team.group, team.guest, expires=until.timestamp(), reason=_REASON)
    report = await runner.next_pass()
    after = runner.setup.lists()[team.group]
    guest = after.members[team.guest]
    runner.show(
        "A person edits a list",
        f"an administrator changes the title in Teleport, adds an owner and, for 30 days, {team.guest}, and lets the "
        "list grant the role editor too",
        report,
        Check("it grants the same roles as before", after.grants == before.grants),
        Check("nothing else in the list was written", _written(report, team.group) == ["grants"]),
        Check("the new title and owner are still there", after.owners == owners != before.owners),
        Check("the added member is still there, and is not marked as imported", after.added == {team.guest}),
        Check(
            "with the same end, reason and author",
            (guest.ends, guest.reason, guest.added_by) == (until, _REASON, "administrator"),
        ),
    )


def _written(report: PassReport, list_name: str) -> list[str]:
    """Return the fields of a list that a pass wrote."""
    changes = [change for change in report.plan.changes if (change.kind, change.name) == (ACCESS_LIST, list_name)]
    return [field.field for change in changes for field in change.fields]
