"""The declaration of a service's calls, and the facts that each call gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from .access import Access
    from .caller import Caller

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)

_DECLARATION: Final = "_rpc_declaration"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration that `rpc` sets on a handler. An open call needs no authorization."""

    path: str
    open: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its caller, the permissions, the address, and the declared client version.

    `loses_members` and `raced` are those of the fault that affects the call.
    """

    caller: Caller
    access: Access
    remote_address: str
    client_version: str
    loses_members: str = ""
    raced: bool = False


def rpc(path: str, *, open: bool = False) -> Callable[[H], H]:  # noqa: A002 - reads as what it says
    """Declare a method `(call, request) -> reply` as the handler of an RPC, by its path without the first slash.

    The method may be a coroutine, if the answer depends on another server. The handler of an RPC that streams its
    replies returns an iterable of them, or is an async generator if they come over time. The handler
    of an RPC that takes a stream of requests is a coroutine `(requests) -> reply`, where `requests` yields a pair
    `(call, request)` for each.
    """

    def declare(handler: H) -> H:
        setattr(handler, _DECLARATION, Declaration(path, open))
        return handler

    return declare


def declarations_of(service: object) -> list[tuple[Declaration, Handler]]:
    """Return the declared handlers of a service object."""
    declared = _declarations_in(type(service))  # type: ignore[arg-type]  # mypy holds classes not to be hashable
    return [(declaration, getattr(service, name)) for name, declaration in declared]


@cache
def _declarations_in(kind: type[object]) -> tuple[tuple[str, Declaration], ...]:
    """Return the declarations of a class by the names of their methods."""
    members = ((name, getattr(kind, name)) for name in dir(kind))
    return tuple((name, getattr(member, _DECLARATION)) for name, member in members if hasattr(member, _DECLARATION))
