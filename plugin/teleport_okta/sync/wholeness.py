"""Why a reading is not whole: what could not be read of either system, each by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.plan.unread import unread_of_directory, unread_of_users

if TYPE_CHECKING:
    from teleport_okta.model.directory import Roster
    from teleport_okta.sync.reading import Reading
    from teleport_okta.sync.sources import OktaFacts


def why_not_whole(reading: Reading) -> list[str]:
    """Return a sentence for all that could not be read or done, and will be tried again; none: the reading is whole.

    What of Okta we may not read is in the quarantine instead.
    """
    return [*_of_okta(reading.facts), *_of_teleport(reading)]


def _of_okta(facts: OktaFacts) -> list[str]:
    listings = {"listing": facts.people.incomplete}
    rosters: list[Roster] = []
    if facts.directory is not None:
        directory = facts.directory.directory
        listings |= {"listing of groups": directory.groups.incomplete, "listing of apps": directory.apps.incomplete}
        for found in (directory.members, directory.grants, directory.direct):
            rosters += [roster for roster in found.values() if roster.problem and not roster.refused]
    errors = [f"the {name} is incomplete: {why}" for name, why in listings.items() if why]
    if facts.people.lost:
        errors.append(f"the listing lacks {len(facts.people.lost)} people whom a read by id shows: nobody leaves by it")
    if facts.unread:
        errors.append(f"groups and apps are left as they are: {facts.unread}")
    if rosters:
        errors.append(f"{len(rosters)} groups or apps could not be read to the end, the first: {rosters[0].problem}")
    return errors


def _of_teleport(reading: Reading) -> list[str]:
    errors = [*filter(None, [reading.policy.no_arrivals, reading.lists_of_leavers.unread])]
    errors += unread_of_users(reading.actual)
    if reading.directory is not None:
        errors += unread_of_directory(reading.directory.actual)
    return errors
