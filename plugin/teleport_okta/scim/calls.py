"""One operation on SCIM resources and its answer, without HTTP, because SCIM by gRPC uses them too."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from http import HTTPStatus

Json: TypeAlias = "Mapping[str, Any]"
"""A JSON object, as `json` reads and writes it."""


def _always() -> bool:
    return True


class Verb(StrEnum):
    """The kind of an operation."""

    LIST = "list"
    GET = "get"
    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class ScimCall:
    """One operation.

    `endpoint` is the first part of the path (`Users`, `Groups`, `Schemas`, …), `resource_id` the second, empty where
    there is none. `query` has the parameters of the URL, decoded, with their names as they were sent; for a LIST by
    `POST /.search`, `body` has them. `body` is the JSON value that was sent, which may be anything; None without one.
    `is_awaited` returns whether the client still waits for the answer; without one it will repeat the request.
    """

    verb: Verb
    endpoint: str
    resource_id: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = field(default=None, repr=False)
    is_awaited: Callable[[], bool] = field(default=_always, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ScimAnswer:
    """An answer: `body` is None for 204; `location` is the address of a resource that was created."""

    status: HTTPStatus
    body: Json | None = field(default=None, repr=False)
    location: str | None = None


class ScimHandler(Protocol):
    """Answers operations."""

    async def handle(self, call: ScimCall) -> ScimAnswer:
        """Answer one operation. Raises ScimError for a request that is refused."""
        ...
