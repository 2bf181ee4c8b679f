"""Why a reading is not whole: everything that could not be read, each by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model.part_result import Part
from teleport_okta.model.reason_text import quoted
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, USER, USER_GROUP
from teleport_okta.plan.unread import unread_of_directory, unread_of_users
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.model.directory import Directory, Roster
    from teleport_okta.sync.reading import Reading


def why_not_whole(reading: Reading) -> list[str]:
    """Return a sentence for everything that could not be read and will be tried again; none: the reading is whole.

    Objects of Okta that we must not read are in the quarantine instead.
    """
    return [*_of_people(reading), *_of_directory(reading), *_of_lists(reading)]


def problems_by_part(reading: Reading, outcomes: Iterable[Outcome] = ()) -> dict[Part, str]:
    """Return the problems of each part, first of reading, then of writing; empty if there are none."""
    problems = {
        Part.USERS: _of_people(reading),
        Part.APPS_AND_GROUPS: _of_directory(reading),
        Part.ACCESS_LISTS: [*_of_directory(reading), *_of_lists(reading)],
    }
    for outcome in outcomes:
        if outcome.result is not Result.DONE:
            change = outcome.change
            problems[_PARTS[change.kind]].append(f"{change.action} {change.kind} {change.subject}: {outcome.error}")
    return {part: "; ".join(found[:_PROBLEMS_SHOWN]) for part, found in problems.items()}


_PROBLEMS_SHOWN: Final = 3

_PARTS: Final = {
    USER: Part.USERS,
    LOCK: Part.USERS,
    ROLE: Part.ACCESS_LISTS,
    USER_GROUP: Part.APPS_AND_GROUPS,
    APP_SERVER: Part.APPS_AND_GROUPS,
    ACCESS_LIST: Part.ACCESS_LISTS,
    MEMBER: Part.ACCESS_LISTS,
}


def _of_people(reading: Reading) -> list[str]:
    people = reading.facts.people
    errors = [f"the listing is incomplete: {people.incomplete}"] if people.incomplete else []
    if people.lost:
        lost = some(sorted(people.lost))
        errors.append(
            f"the listing lacks {len(people.lost)} people whom a read by id shows ({lost}): nobody leaves because of it"
        )
    if reading.policy.no_arrivals:
        errors.append(reading.policy.no_arrivals)
    return [*errors, *unread_of_users(reading.actual)]


def _of_directory(reading: Reading) -> list[str]:
    errors, facts = [], reading.facts
    if facts.directory is not None:
        directory = facts.directory.directory
        listings = {"groups": directory.groups.incomplete, "apps": directory.apps.incomplete}
        errors += [f"the listing of {name} is incomplete: {why}" for name, why in listings.items() if why]
        unread = [one for one in _rosters(directory) if one[2].problem and not (one[2].refused or one[2].gone)]
        if unread:
            what = some(f"{says} {of}" for says, of, _ in unread)
            errors.append(f"could not be read completely: {what}; the first error: {unread[0][2].problem}")
    if facts.unread:
        errors.append(f"groups and apps are left as they are: {facts.unread}")
    if reading.directory is not None:
        errors += unread_of_directory(reading.directory.actual)
    return errors


def gone_meanwhile(directory: Directory) -> tuple[str, ...]:
    """Return a warning of the groups and apps that were deleted while a pass read. That is normal, and no failure."""
    gone = {of: None for _, of, roster in _rosters(directory) if roster.gone}
    if not gone:
        return ()
    warning = (
        f"not found when its people or apps were read: {some(gone)}; deleted in Okta meanwhile, or hidden from our "
        "admin role: its objects in Teleport stay as they are, and the next pass reads it again"
    )
    return (warning,)


def some(names: Iterable[str]) -> str:
    """Return the first few names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more


_NAMED: Final = 5


def _rosters(directory: Directory) -> Iterator[tuple[str, str, Roster]]:
    """Yield for each roster what it contains, the title and id of its object, and the roster."""
    groups = {group.id: f"group {quoted(group.name)} ({group.id})" for group in directory.groups.rows}
    apps = {app.id: f"app {quoted(app.label)} ({app.id})" for app in directory.apps.rows}
    for says, names, rosters in (
        ("the members of", groups, directory.members),
        ("the apps of", groups, directory.grants),
        ("the people of", apps, directory.direct),
    ):
        for okta_id, roster in rosters.items():
            yield says, names.get(okta_id, okta_id), roster


def _of_lists(reading: Reading) -> list[str]:
    return [reading.lists_of_leavers.unread] if reading.lists_of_leavers.unread else []
