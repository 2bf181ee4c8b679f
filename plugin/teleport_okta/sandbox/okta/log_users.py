"""The events of users (`docs/reference/okta.md` 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.log_targets import user_target
from teleport_okta.sandbox.okta.log_transactions import Origin, current, job, within
from teleport_okta.sandbox.okta.users import (
    ACTIVE,
    DEPROVISIONED,
    LOCKED_OUT,
    PASSWORD_EXPIRED,
    PROVISIONED,
    RECOVERY,
    STAGED,
    SUSPENDED,
    User,
)

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.log_recorder import Recorder

_LOCKED_OUT: tuple[str, str | None] = ("FAILURE", "LOCKED_OUT")
"""The outcome of a genuine lockout: the sign-in failed."""


class UserEvents:
    """Listens to the users."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def changed(self, before: User | None, after: User | None) -> None:
        """Write the events of a change. The groups and apps of a removed user have no events."""
        if after is None:
            if before is not None:
                self._deleted(before)
        elif before is None:
            self._recorder.write("user.lifecycle.create", user_target(after))
        else:
            self._profile(before, after)
            self._status(before, after)
            if before.password_changed != after.password_changed or (after.has_password and not before.has_password):
                self._recorder.write("user.account.update_password", user_target(after))

    def reactivated(self, user: User) -> None:
        """Write that a user was sent another activation mail; nothing else changes."""
        self._recorder.write("user.lifecycle.reactivate", user_target(user))

    def sessions_cleared(self, user: User) -> None:
        """Write that a user's sessions were ended."""
        self._recorder.write("user.session.clear", user_target(user))

    def _deleted(self, user: User) -> None:
        self._recorder.write("user.lifecycle.delete.initiated", user_target(user))
        with within(job()):
            self._recorder.write("user.lifecycle.delete.completed", user_target(user))

    def _profile(self, before: User, after: User) -> None:
        if before.profile is after.profile or _filled(before) == _filled(after):
            return
        transaction = current()
        if transaction is not None and transaction.importing:
            self._recorder.write("system.import.user.update", user_target(after))
            return
        self._recorder.write("user.account.update_profile", user_target(after))
        if before.profile.get("email") != after.profile.get("email"):
            self._recorder.write("user.account.update_primary_email", user_target(after))

    def _status(self, before: User, after: User) -> None:
        event = None if before.status == after.status else _transition(before.status, after.status)
        if event == "user.account.lock":
            actor = user_target(after)
            self._recorder.write(event, user_target(after), actor=actor, outcome=_LOCKED_OUT)
        elif event is not None:
            self._recorder.write(event, user_target(after))


def _filled(user: User) -> dict[str, object]:
    """Return the profile without empty attributes, which are the same as missing ones."""
    return {name: value for name, value in user.profile.items() if value is not None}


def _transition(before: str, after: str) -> str | None:
    """Return the type of event of a change of status; ``None`` if Okta has none."""
    match before, after:
        case _, "DEPROVISIONED":
            return "user.lifecycle.deactivate"
        case _, "SUSPENDED":
            return "user.lifecycle.suspend"
        case _, "LOCKED_OUT":
            return "user.account.lock"
        case _, "PASSWORD_EXPIRED":
            return "user.account.expire_password"
        case _, "RECOVERY":
            return "user.account.reset_password"
    return _into_use(before) if after in {ACTIVE, PROVISIONED} else None


def _into_use(before: str) -> str | None:
    transaction = current()
    by_itself = transaction is not None and transaction.origin is Origin.JOB
    return {
        STAGED: "user.lifecycle.activate",
        DEPROVISIONED: "user.lifecycle.activate",
        PROVISIONED: "user.lifecycle.activate",
        SUSPENDED: "user.lifecycle.unsuspend",
        LOCKED_OUT: "user.account.unlock" if by_itself else "user.account.unlock_by_admin",
        RECOVERY: "user.account.update_password",
        PASSWORD_EXPIRED: "user.account.update_password",
    }.get(before)
