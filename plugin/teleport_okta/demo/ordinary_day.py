"""An ordinary day: people are hired, changed, renamed, suspended, leave and return; a user is deleted by mistake."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from teleport_okta.demo.runner import actions
from teleport_okta.demo.scenes import Check
from teleport_okta.okta.people_reader import APP_USERS_A_PAGE

if TYPE_CHECKING:
    from teleport_okta.demo.runner import Runner


async def run_ordinary_day(runner: Runner) -> None:
    """Run the scenes, beginning with the first pass."""
    await _first_pass(runner)
    await _hire(runner)
    await _profile_change(runner)
    leaver = await _leavers(runner)
    await _return_of(runner, leaver)
    await _rename(runner)
    await _suspension(runner)
    await _deleted_by_hand(runner)


async def _first_pass(runner: Runner) -> None:
    people = runner.setup.people_assigned()
    report = await runner.next_pass()
    again = await runner.next_pass()
    calls = 2 + max(1, ceil(people / APP_USERS_A_PAGE))
    runner.show(
        "The first pass",
        f"{people} people are assigned to the app in Okta; Teleport has none of them",
        report,
        Check(f"Teleport has {people} users of ours", len(runner.setup.users()) == people),
        Check(f"it took {calls} Okta calls, the fewest possible", sum(report.okta_calls.values()) == calls),
        Check("a second pass plans nothing", not again.plan.changes),
    )


async def _hire(runner: Runner) -> None:
    hired = runner.organization.hire("Grace", "Hopper", department="Compilers")
    report = await runner.next_pass()
    user = runner.user(hired.login)
    runner.show(
        "A hire",
        f"{hired.login} is hired, and assigned to the app",
        report,
        Check("one change was planned", len(report.plan.changes) == 1),
        Check("the user exists", user is not None),
        Check("with the default role", user is not None and user.roles == ("okta-requester",)),
        Check("and can log in by SSO", user is not None and user.connector == "okta"),
    )


async def _profile_change(runner: Runner) -> None:
    login = runner.login(1)
    runner.organization.update_profile(login, department="Analytical Engines")
    report = await runner.next_pass()
    user = runner.user(login)
    runner.show(
        "A profile change",
        f"{login} moves to another department",
        report,
        Check("one change was planned", len(report.plan.changes) == 1),
        Check("the trait okta/department was updated", user is not None and user.department == "Analytical Engines"),
    )


async def _leavers(runner: Runner) -> str:
    """Unassign two people, and return the login of one of them."""
    leavers = [runner.login(2), runner.login(3)]
    for login in leavers:
        runner.unassign(login)
    report = await runner.next_pass()
    locks = [runner.setup.locks().get(login) for login in leavers]
    long_enough = runner.setup.clock.now() + timedelta(hours=30)
    runner.show(
        "Two leavers",
        f"{' and '.join(leavers)} are unassigned from the app",
        report,
        Check("each was locked before the deletion", actions(report) == ["lock"] * 2 + ["delete"] * 2),
        Check("the users are gone", not runner.setup.users().keys() & set(leavers)),
        Check(
            "the locks last longer than any certificate",
            all(lock and lock.ends and lock.ends > long_enough for lock in locks),
        ),
    )
    return leavers[0]


async def _return_of(runner: Runner, login: str) -> None:
    runner.assign(login)
    report = await runner.next_pass()
    runner.show(
        "A return",
        f"{login} is assigned again",
        report,
        Check("the user was created before it was unlocked", actions(report) == ["create", "unlock"]),
        Check("the user exists", runner.user(login) is not None),
        Check("and not locked", login not in runner.setup.locks()),
    )


async def _rename(runner: Runner) -> None:
    old = runner.login(4)
    new = f"countess.{old}"
    runner.rename(old, new)
    report = await runner.next_pass()
    runner.show(
        "A rename",
        f"{old} is renamed to {new} in Okta",
        report,
        Check(
            "the new user was created before the old one was deleted", actions(report) == ["create", "lock", "delete"]
        ),
        Check("the user has the new name", runner.user(new) is not None and runner.user(old) is None),
        Check("the old name is locked", old in runner.setup.locks()),
    )


async def _suspension(runner: Runner) -> None:
    login = runner.login(5)
    runner.organization.suspend(login)
    report = await runner.next_pass()
    lock = runner.setup.locks().get(login)
    runner.show(
        "A suspension",
        f"{login} is suspended in Okta",
        report,
        Check("the user was locked", actions(report) == ["lock"]),
        Check("the lock has no end", lock is not None and lock.ends is None),
        Check("and the user still exists", runner.user(login) is not None),
    )
    runner.organization.unsuspend(login)
    report = await runner.next_pass()
    runner.show(
        "The end of the suspension",
        f"{login} is unsuspended",
        report,
        Check("the user was unlocked", actions(report) == ["unlock"] and login not in runner.setup.locks()),
    )


async def _deleted_by_hand(runner: Runner) -> None:
    login = runner.login(3)
    runner.setup.cluster.administrator.delete_user(login)
    report = await runner.next_pass()
    runner.show(
        "A user deleted by hand",
        f"an administrator deletes {login} in Teleport",
        report,
        Check("the next pass created the user again", runner.user(login) is not None),
    )
