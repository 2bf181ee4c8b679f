"""Judges the fault sweep: harm at any moment, a wrong claim of success, failures without a cause or a remedy."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contract.sync.sweep_story import CAST
from model import stored
from model.people import SOME_END, Wanted, wrong_locks, wrong_users
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model import labels
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from contract.sync.sweep_story import Play
    from teleport_okta.sync.report import PassReport


PARTS = ("user_groups", "app_servers", "access_lists", "okta_service", "roles")
"""Parts of a cluster, as a report names what we may not read."""


LISTS_OFF = "no access lists are kept"


@dataclass
class Attempt:
    """How a command went: the report of its pass, if it came to one, or what it raised."""

    report: PassReport | None = None
    error: BaseException | None = None

    @property
    def claims_success(self):
        """Whether it says that no problems: nobody was set aside, and lists are not off."""
        if self.report is None:
            return self.error is None
        return self.report.succeeded and not self.report.plan.quarantined and not self.says_that_lists_are_off

    @property
    def says_that_lists_are_off(self):
        """Whether it warns that it leaves access lists alone."""
        return any(LISTS_OFF in warning for warning in self.report.plan.warnings)


async def attempted(command):
    """Await a command of the story; return its report or its error."""
    try:
        return Attempt(report=await command)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
        return Attempt(error=error)


@dataclass
class Guard:
    """Judges every deletion and every lock in the cluster: whether the organisation gave a reason for it."""

    play: Play
    violations: list[str] = field(default_factory=list)

    def __post_init__(self):
        cluster = self.play.world.teleport.cluster
        cluster.users.followers.append(self._user_changed)
        cluster.locks.followers.append(self._lock_changed)

    def _user_changed(self, name, before, after):
        if after is None and name not in self.play.may_end:
            self.violations.append(f"{name}, who should stay, was deleted")

    def _lock_changed(self, name, before, after):
        if after is not None and after.Spec.Target.User not in self.play.may_be_locked:
            self.violations.append(f"{after.Spec.Target.User}, who should stay, was locked")


def wrong_state(play):
    """Say where the cluster differs from what the organisation says."""
    yield from _wrong_users(play)
    yield from _wrong_locks(play)
    yield from play.reach.oracle.wrong(play.found)


def harm(play, guard):
    """Say who was harmed without a reason so far."""
    users = play.world.users()
    yield from guard.violations
    play.guard.catch_up()
    yield from play.guard.violations
    for name, before in play.strangers.items():
        if name not in users or users[name].SerializeToString() != before:
            yield f"{name}, who is not ours, was changed"


def unlocked(play):
    """Say which leavers are not locked: those who left or are suspended, and are no rename."""
    locks = play.world.locks()
    for name, (who, ends) in play.locks.items():
        lock = locks.get(name)
        if name in play.renamed:
            continue
        if lock is None or lock.Metadata.Labels.get(labels.OKTA_ID) != play.ids[who]:
            yield f"{name}, who {'left' if ends else 'is suspended'}, is not locked when the pass ends"
        elif ends and not lock.Spec.HasField("Expires"):
            yield f"the lock of {name}, who left, has no end"


def unclear(attempt, play, call):
    """Say what the error or the report of a failure lacks."""
    if attempt.error is not None:
        if not isinstance(attempt.error, TeleportOktaError):
            where = "".join(traceback.format_exception(attempt.error)[-4:])
            yield f"raised {type(attempt.error).__name__}, which is not an error of ours: {attempt.error}\n{where}"
            return
        yield from _unclear_words(str(attempt.error), attempt.error.what, play, call)
        if not attempt.error.remedy:
            yield f"has no remedy: {type(attempt.error).__name__}: {attempt.error}"
        return
    report = attempt.report
    failed = [outcome for outcome in report.outcomes if outcome.result != Result.DONE]
    if report.error:
        yield from _unclear_words(report.error, report.error, play, call)
        if not report.error.endswith(")") and "; or set " not in report.error:
            yield f"has no remedy: {report.error}"
    elif not (failed or report.plan.findings.held or report.plan.quarantined or attempt.says_that_lists_are_off):
        yield "did not succeed, and does not say why"
    for row in report.plan.quarantined:
        if not row.reason or not row.remedy:
            yield f"sets {row.name} aside without a reason or a remedy"
    for outcome in failed:
        if not outcome.error:
            yield f"does not say why {outcome.change.subject} is not done"


def _unclear_words(text, what, play, call):
    names = (*call.words, *objects(play))
    if not any(name in what for name in names):
        yield f"names neither the call nor an object: {text}"


def objects(play):
    """The names of what an error may be about: users, addresses, parts of the cluster."""
    settings = play.world.settings
    return (
        *(f"{who}@x.io" for who in (*CAST, "daniel", "fay")),
        settings.teleport.addr,
        settings.okta.org_url,
        f"the lease of {play.world.okta.id}",
        f"the lease to write for {play.world.okta.id}",
        *PARTS,
    )


def _wrong_users(play):
    found = {name: stored.user(play.world.users()[name]) for name in play.world.owned()}
    wanted = {
        name: Wanted(play.ids.get(who, ""), {"okta/login": name, "okta/department": play.departments.get(name)})
        for name, who in play.users.items()
    }
    return wrong_users(found, wanted)


def _wrong_locks(play):
    wanted = {(name, play.ids[who]): SOME_END if ends else None for name, (who, ends) in play.locks.items()}
    return wrong_locks(stored.lock_ends(play.world.locks().values()), wanted)
