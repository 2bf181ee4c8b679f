"""An ordinary day: people come, change, leave, return, are renamed and suspended; a hand slips in Teleport."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from teleport_okta.demo.runner import actions
from teleport_okta.demo.scenes import Check
from teleport_okta.okta.people_reader import APP_USERS_A_PAGE

if TYPE_CHECKING:
    from teleport_okta.demo.runner import Play


async def tell_ordinary_day(play: Play) -> None:
    """Play the day from the first pass on."""
    await _first_pass(play)
    await _hire(play)
    await _profile_change(play)
    leaver = await _leavers(play)
    await _return_of(play, leaver)
    await _rename(play)
    await _suspension(play)
    await _deleted_by_hand(play)


async def _first_pass(play: Play) -> None:
    people = play.stage.people_assigned()
    report = await play.next_pass()
    again = await play.next_pass()
    calls = 2 + max(1, ceil(people / APP_USERS_A_PAGE))
    play.tell(
        "The first pass",
        f"{people} people are assigned to the app in Okta; Teleport knows none of them",
        report,
        Check(f"Teleport has {people} users of ours", len(play.stage.users()) == people),
        Check(f"it took {calls} Okta calls, the fewest possible", sum(report.okta_calls.values()) == calls),
        Check("a second pass plans nothing", not again.plan.changes),
    )


async def _hire(play: Play) -> None:
    hired = play.organization.hire("Grace", "Hopper", department="Compilers")
    report = await play.next_pass()
    user = play.user(hired.login)
    play.tell(
        "A hire",
        f"{hired.login} is hired, and assigned to the app",
        report,
        Check("one change was planned", len(report.plan.changes) == 1),
        Check("the user is there", user is not None),
        Check("with the default role", user is not None and user.roles == ("okta-requester",)),
        Check("and can sign in by SSO", user is not None and user.connector == "okta"),
    )


async def _profile_change(play: Play) -> None:
    login = play.somebody(1)
    play.organization.update_profile(login, department="Analytical Engines")
    report = await play.next_pass()
    user = play.user(login)
    play.tell(
        "A profile change",
        f"{login} moves to another department",
        report,
        Check("one change was planned", len(report.plan.changes) == 1),
        Check("the trait okta/department followed", user is not None and user.department == "Analytical Engines"),
    )


async def _leavers(play: Play) -> str:
    """Let two people leave, and return the login of one of them."""
    leavers = [play.somebody(2), play.somebody(3)]
    for login in leavers:
        play.unassign(login)
    report = await play.next_pass()
    locks = [play.stage.locks().get(login) for login in leavers]
    long_enough = play.stage.clock.now() + timedelta(hours=30)
    play.tell(
        "Two leavers",
        f"{' and '.join(leavers)} are unassigned from the app",
        report,
        Check("each was locked before being deleted", actions(report) == ["lock"] * 2 + ["delete"] * 2),
        Check("the users are gone", not play.stage.users().keys() & set(leavers)),
        Check(
            "the locks outlive every certificate",
            all(lock and lock.ends and lock.ends > long_enough for lock in locks),
        ),
    )
    return leavers[0]


async def _return_of(play: Play, login: str) -> None:
    play.assign(login)
    report = await play.next_pass()
    play.tell(
        "A return",
        f"{login} is assigned again",
        report,
        Check("the user was created before it was unlocked", actions(report) == ["create", "unlock"]),
        Check("the user is there", play.user(login) is not None),
        Check("and not locked", login not in play.stage.locks()),
    )


async def _rename(play: Play) -> None:
    old = play.somebody(4)
    new = f"countess.{old}"
    play.rename(old, new)
    report = await play.next_pass()
    play.tell(
        "A rename",
        f"{old} becomes {new} in Okta",
        report,
        Check("the new name came before the old one went", actions(report) == ["create", "lock", "delete"]),
        Check("the user has the new name", play.user(new) is not None and play.user(old) is None),
        Check("the old name is locked", old in play.stage.locks()),
    )


async def _suspension(play: Play) -> None:
    login = play.somebody(5)
    play.organization.suspend(login)
    report = await play.next_pass()
    lock = play.stage.locks().get(login)
    play.tell(
        "A suspension",
        f"{login} is suspended in Okta",
        report,
        Check("the user was locked", actions(report) == ["lock"]),
        Check("without an end", lock is not None and lock.ends is None),
        Check("and is still there", play.user(login) is not None),
    )
    play.organization.unsuspend(login)
    report = await play.next_pass()
    play.tell(
        "The end of the suspension",
        f"{login} is unsuspended",
        report,
        Check("the user was unlocked", actions(report) == ["unlock"] and login not in play.stage.locks()),
    )


async def _deleted_by_hand(play: Play) -> None:
    login = play.somebody(3)
    play.stage.cluster.administrator.delete_user(login)
    report = await play.next_pass()
    play.tell(
        "A user deleted by hand",
        f"an administrator deletes {login} in Teleport",
        report,
        Check("the user came back with the next pass", play.user(login) is not None),
    )
