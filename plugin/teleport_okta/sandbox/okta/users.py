"""The users of the organisation: profiles, statuses and their transitions (`docs/reference/okta.md` 3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.collection import Ordered
from teleport_okta.sandbox.okta.error_bodies import OktaError, blank, invalid, not_found, refusal

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.timeline import Timeline

Profile = Mapping[str, object]

STAGED, PROVISIONED, ACTIVE = "STAGED", "PROVISIONED", "ACTIVE"
RECOVERY, PASSWORD_EXPIRED, LOCKED_OUT = "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT"
SUSPENDED, DEPROVISIONED = "SUSPENDED", "DEPROVISIONED"

_REQUIRED = ("firstName", "lastName", "login", "email")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class User:
    """One user, as of the last change. Timestamps are whole epoch seconds."""

    id: str
    status: str
    created: int
    last_updated: int
    profile: Profile
    activated: int | None = None
    status_changed: int | None = None
    password_changed: int | None = None
    transitioning_to: str | None = None
    has_password: bool = False

    @property
    def login(self) -> str:
        """The login, empty if an import left the user without one."""
        value = self.profile.get("login")
        return value if isinstance(value, str) else ""


Listener = Callable[[User | None, User | None], None]


class Users:
    """All users. Listeners are called for every change, with the user before and after it, or ``None``."""

    def __init__(self, timeline: Timeline, ids: IdFactory, transition_delay: float) -> None:
        self.all: Ordered[User] = Ordered()
        self.deactivated: set[str] = set()
        """The ids of the DEPROVISIONED users."""

        self._timeline = timeline
        self._ids = ids
        self._delay = transition_delay
        self._by_login: dict[str, str] = {}
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` for every change from now on."""
        self._listeners.append(listener)

    def find(self, identifier: str) -> User | None:
        """Return the user of an id or a login. A login with ``/`` cannot be addressed.

        See `docs/reference/okta.md` 2.1.
        """
        user = self.all.get(identifier)
        if user is None and "/" not in identifier:
            user = self.all.get(self._by_login.get(identifier.lower(), ""))
        return user

    def require(self, identifier: str) -> User:
        """Return the user of an id or a login, or raise ``E0000007``."""
        user = self.find(identifier)
        if user is None:
            raise not_found(identifier, "User")
        return user

    def create(self, profile: Profile, *, activate: bool, password: bool = False) -> User:
        """Add a user: ACTIVE with a password, PROVISIONED without, STAGED if not activated."""
        profile = {"mobilePhone": None, "secondEmail": None} | dict(profile)
        self._check(profile, owner=None)
        stamp = self._timeline.stamp()
        user = User(
            id=self._ids.object("00u"),
            status=STAGED,
            created=stamp,
            last_updated=stamp,
            profile=profile,
            password_changed=stamp if password else None,
            has_password=password,
        )
        self._store(None, user)
        return self._move(user, ACTIVE if password else PROVISIONED) if activate else user

    def add(self, user: User) -> None:
        """Add a complete user without checks and without calls of listeners: seeding."""
        self.all.put(user.id, user)
        self._by_login[user.login.lower()] = user.id

    def update(self, user: User, profile: Profile) -> User:
        """Write a whole profile. If nothing changes, ``lastUpdated`` stays as it is."""
        if user.status == DEPROVISIONED:
            raise refusal("E0000038")
        if user.transitioning_to in {ACTIVE, PROVISIONED}:
            raise refusal("E0000112")
        self._check(profile, owner=user.id)
        return self.overwrite(user, profile)

    def overwrite(self, user: User, profile: Profile) -> User:
        """Write a whole profile without the API's checks, as an import from a directory can."""
        if dict(profile) == dict(user.profile):
            return user
        return self._store(user, replace(user, profile=dict(profile), last_updated=self._timeline.stamp()))

    def set_password(self, user: User) -> User:
        """Give the user a password: a PROVISIONED one becomes ACTIVE."""
        stamp = self._timeline.stamp()
        user = self._store(user, replace(user, has_password=True, password_changed=stamp, last_updated=stamp))
        return self._move(user, ACTIVE) if user.status == PROVISIONED else user

    def set_status(self, user: User, status: str) -> User:
        """Set any status at once, even one that Okta does not have."""
        return self._settle(user, status)

    def activate(self, user: User) -> User:
        """Activate a STAGED or DEPROVISIONED user; other users are active already (``E0000016``)."""
        if user.status not in {STAGED, DEPROVISIONED} or user.transitioning_to in {ACTIVE, PROVISIONED}:
            raise refusal("E0000016")
        return self._move(user, ACTIVE if user.has_password else PROVISIONED)

    def reactivate(self, user: User) -> User:
        """Send a PROVISIONED user the activation mail once more."""
        return self._from(user, {PROVISIONED}, None)

    def suspend(self, user: User) -> User:
        """Suspend an ACTIVE user."""
        if user.status != ACTIVE:
            raise invalid("suspendUser", "Cannot suspend a user that is not active")
        return self._settle(user, SUSPENDED)

    def unsuspend(self, user: User) -> User:
        """End the suspension of a SUSPENDED user."""
        if user.status != SUSPENDED:
            raise invalid("unsuspendUser", "Cannot unsuspend a user that is not suspended")
        return self._settle(user, ACTIVE)

    def unlock(self, user: User) -> User:
        """Unlock a LOCKED_OUT user."""
        if user.status != LOCKED_OUT:
            raise refusal("E0000032")
        return self._settle(user, ACTIVE)

    def expire_password(self, user: User) -> User:
        """Require a new password at the next sign-in."""
        return self._from(user, {ACTIVE, PASSWORD_EXPIRED}, PASSWORD_EXPIRED)

    def reset_password(self, user: User) -> User:
        """Start a password recovery."""
        return self._from(user, {PROVISIONED, ACTIVE, RECOVERY, PASSWORD_EXPIRED, LOCKED_OUT}, RECOVERY)

    def deactivate(self, user: User) -> User:
        """Deactivate a user of any other status."""
        if self._leaving(user):
            raise refusal("E0000038")
        return self._move(user, DEPROVISIONED)

    def delete(self, user: User) -> bool:
        """Deactivate a user, or delete a deactivated one. Returns whether the user was deleted."""
        if not self._leaving(user):
            self._move(user, DEPROVISIONED)
            return False
        self._by_login.pop(user.login.lower(), None)
        self.all.remove(user.id)
        self.deactivated.discard(user.id)
        self._tell(user, None)
        return True

    @staticmethod
    def _leaving(user: User) -> bool:
        return DEPROVISIONED in {user.status, user.transitioning_to}

    def _from(self, user: User, statuses: set[str], to: str | None) -> User:
        if user.status not in statuses:
            raise refusal("E0000038")
        return user if to is None else self._settle(user, to)

    def _move(self, user: User, status: str) -> User:
        if self._delay <= 0:
            return self._settle(user, status)
        user = self._store(user, replace(user, transitioning_to=status))
        self._timeline.later(self._delay, lambda: self._arrive(user.id, status))
        return user

    def _arrive(self, user_id: str, status: str) -> None:
        user = self.all.get(user_id)
        if user is not None and user.transitioning_to == status:
            self._settle(user, status)

    def _settle(self, user: User, status: str) -> User:
        stamp = self._timeline.stamp()
        after = replace(user, status=status, transitioning_to=None, status_changed=stamp, last_updated=stamp)
        if status in {ACTIVE, PROVISIONED} and user.status in {STAGED, DEPROVISIONED}:
            after = replace(after, activated=stamp)
        if status == DEPROVISIONED:
            after = replace(after, has_password=False)
        return self._store(user, after)

    def _store(self, before: User | None, after: User) -> User:
        if before is not None and before.login.lower() != after.login.lower():
            self._by_login.pop(before.login.lower(), None)
        if after.login:
            self._by_login[after.login.lower()] = after.id
        self.all.put(after.id, after)
        if after.status == DEPROVISIONED:
            self.deactivated.add(after.id)
        else:
            self.deactivated.discard(after.id)
        self._tell(before, after)
        return after

    def _tell(self, before: User | None, after: User | None) -> None:
        for listener in self._listeners:
            listener(before, after)

    def _check(self, profile: Profile, owner: str | None) -> None:
        for field in _REQUIRED:
            if not profile.get(field):
                raise blank(field)
        for field, value in profile.items():
            if isinstance(value, str) and any(ord(character) > 0xFFFF for character in value):
                raise invalid(field, f"{field}: Characters outside the Basic Multilingual Plane are not allowed")
        if not _EMAIL.fullmatch(str(profile["login"])):
            raise invalid("login", "login: Username must be in the form of an email address")
        if not _EMAIL.fullmatch(str(profile["email"])):
            raise invalid("email", "email: Does not match required pattern")
        if self._by_login.get(str(profile["login"]).lower(), owner) != owner:
            raise _duplicate_login()


def _duplicate_login() -> OktaError:
    return invalid("login", "login: An object with this field already exists in the current organization")
