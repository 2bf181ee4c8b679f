"""Writes events into the System Log, with their actor and transaction (`docs/reference/okta.md` 5.3 and 12.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.ids import IdFactory
from teleport_okta.sandbox.okta.log_events import NO_DEBUG, SUCCESS, Record
from teleport_okta.sandbox.okta.log_targets import UNKNOWN, client_target, user_target
from teleport_okta.sandbox.okta.log_transactions import Origin, Target, Transaction, current

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from teleport_okta.sandbox.okta.apps import Apps
    from teleport_okta.sandbox.okta.log import SystemLog
    from teleport_okta.sandbox.okta.timeline import Timeline
    from teleport_okta.sandbox.okta.users import Users

_HUMAN_EVERY = 3
"""In every third job the actor is the administrator who started it, as in one genuine event of a job."""


class Recorder:
    """Writes the events of one organisation.

    It has its own random source, so that the organisation's ids do not depend on the log.
    """

    def __init__(
        self,
        log: SystemLog,
        timeline: Timeline,
        rng: random.Random,
        *,
        users: Users,
        apps: Apps,
        administrator: Callable[[], str],
    ) -> None:
        self.ids = IdFactory(rng)
        self._log = log
        self._timeline = timeline
        self._users = users
        self._apps = apps
        self._administrator = administrator
        self._node = rng.getrandbits(48)
        self._system = Target(self.ids.object("00u"), "SystemPrincipal", "system@okta.com", "Okta System")
        self._events = 0
        self._jobs = 0

    @property
    def is_idle(self) -> bool:
        """Whether changes write no events now."""
        transaction = current()
        return self._log.is_paused or (transaction is not None and transaction.silent)

    def write(
        self,
        event_type: str,
        *targets: Target,
        outcome: tuple[str, str | None] = SUCCESS,
        debug: Mapping[str, str] = NO_DEBUG,
        legacy: str | None = None,
        actor: Target | None = None,
    ) -> None:
        """Write an event about `targets`, as part of the current transaction.

        Without one, the event gets a transaction of its own, with the administrator as its actor.
        """
        transaction = current() or Transaction(Origin.CONSOLE)
        if self._log.is_paused or transaction.silent:
            return
        self._events += 1
        record = Record(
            event_type,
            self._timeline.now(),
            self._events,
            self._node,
            transaction,
            targets,
            actor or self._actor(transaction),
            outcome,
            debug,
            legacy,
        )
        self._log.append(record)

    def _actor(self, transaction: Transaction) -> Target:
        if not transaction.id:
            transaction.id = self.ids.object("gam") if transaction.origin is Origin.JOB else self.ids.request()
        if transaction.actor is None:
            transaction.actor = self._actor_of(transaction)
        return transaction.actor

    def _actor_of(self, transaction: Transaction) -> Target:
        if transaction.origin is Origin.JOB:
            return self._actor_of_job(transaction)
        principal = transaction.principal
        if principal is None:
            return self._user(self._administrator())
        if principal.user_id is not None:
            return self._user(principal.user_id)
        app = self._apps.all.get(principal.id)
        return client_target(app) if app is not None else Target(principal.id, "PublicClientApp", UNKNOWN, UNKNOWN)

    def _actor_of_job(self, transaction: Transaction) -> Target:
        starter = transaction.root or Transaction(Origin.CONSOLE)
        if transaction.inherits and starter.origin is not Origin.JOB:
            return self._actor_of(starter)
        self._jobs += 1
        if transaction.importing or starter.origin is Origin.JOB or self._jobs % _HUMAN_EVERY:
            return self._system
        return self._actor_of(starter)

    def _user(self, user_id: str) -> Target:
        user = self._users.all.get(user_id)
        return user_target(user) if user is not None else Target(user_id, "User", UNKNOWN, UNKNOWN)
