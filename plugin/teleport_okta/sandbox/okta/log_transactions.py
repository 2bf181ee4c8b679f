"""Transactions: the actor and the origin that all events of one action share (`docs/reference/okta.md` 5.3).

The current transaction is a context variable, so that no method must pass it. Background work keeps the
transaction in which it was scheduled; a job opens one of its own.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teleport_okta.sandbox.okta.messages import Request
    from teleport_okta.sandbox.okta.tokens import Principal

P = ParamSpec("P")
R = TypeVar("R")


class Target(NamedTuple):
    """An object in an event, with its names of that time. An actor has the same fields."""

    id: str
    type: str
    alternate_id: str
    display_name: str


class Origin(StrEnum):
    """The origin of a change."""

    CONSOLE = "console"
    API = "api"
    JOB = "job"


@dataclass(slots=True, eq=False)
class Transaction:
    """One action. Actor and id are set at the first event, because most transactions have none."""

    origin: Origin
    principal: Principal | None = None
    """The caller of the API."""

    root: Transaction | None = None
    """The transaction that started this job, directly or through other jobs."""

    path: str = "/admin/console"
    user_agent: str | None = "Mozilla/5.0"
    importing: bool = False
    """Whether it is an import from a directory."""

    silent: bool = False
    """Whether its changes write no events."""

    inherits: bool = False
    """Whether the actor of this job is that of the transaction that started it."""

    id: str = ""
    actor: Target | None = None

    @property
    def token_id(self) -> str | None:
        """The id of the SSWS token that was used, if one was."""
        if self.principal is None or self.principal.user_id is None:
            return None
        return self.principal.id


_current: ContextVar[Transaction | None] = ContextVar("transaction", default=None)


def current() -> Transaction | None:
    """Return the current transaction, if there is one."""
    return _current.get()


@contextmanager
def within(transaction: Transaction) -> Iterator[None]:
    """Make all changes until the block ends part of a transaction."""
    token = _current.set(transaction)
    try:
        yield
    finally:
        _current.reset(token)


def api_call(principal: Principal | None, request: Request, request_id: str) -> Transaction:
    """Return the transaction of a call: its id is that of the request, as in genuine events."""
    agent = request.headers.get("User-Agent")
    return Transaction(Origin.API, principal, path=request.path, user_agent=agent, id=request_id)


def job(*, importing: bool = False, silent: bool = False, inherits: bool = False) -> Transaction:
    """Return a new transaction for background work that the current transaction started."""
    cause = current()
    root = None if cause is None else cause.root or cause
    return Transaction(Origin.JOB, root=root, importing=importing, silent=silent, inherits=inherits)


def carried(action: Callable[[], None]) -> Callable[[], None]:
    """Return an action that runs in the current transaction, even if it is called later."""
    context = copy_context()
    return lambda: context.run(action)


def by_administrator(method: Callable[P, R]) -> Callable[P, R]:
    """Make a method one transaction in the admin console, unless it is part of another one."""

    @wraps(method)
    def act(*args: P.args, **kwargs: P.kwargs) -> R:
        if current() is not None:
            return method(*args, **kwargs)
        with within(Transaction(Origin.CONSOLE)):
            return method(*args, **kwargs)

    return act


def by_import(method: Callable[P, R]) -> Callable[P, R]:
    """Make a method one run of an import from a directory, which is a job."""

    @wraps(method)
    def act(*args: P.args, **kwargs: P.kwargs) -> R:
        with within(job(importing=True)):
            return method(*args, **kwargs)

    return act
