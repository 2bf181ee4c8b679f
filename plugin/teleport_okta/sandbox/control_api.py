"""The framework of both sandboxes' control interfaces: HTTP and JSON for programs that act as the administrator.

A route is a request and a function. The function's parameters are the input, so there is nothing to parse, and its
result is the answer. A module with such functions has no `from __future__ import annotations`: pydantic needs types.
"""

import functools
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Any, Final, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, create_model

from .own_address import refuse_foreign

Text = Annotated[str, Field(min_length=1)]

Seconds = int | FiniteFloat

Unchecked = Any
"""A value of JSON that the function itself checks, or passes on."""

_IN_QUERY: Final = {"GET", "DELETE"}


@dataclass(frozen=True)
class Route:
    """A request, such as `POST /users/{user}/status`, and the function that answers it.

    The function's parameters are the variables of the path, and the fields of the JSON body; of a GET or DELETE, the
    parameters of the query. pydantic checks a parameter that is annotated with a type, and not with a type's name.
    `**others` receives the fields that have no parameter; without it they are ignored, or refused if the route is
    `exact`.
    """

    request: str
    action: Callable[..., object]
    status: int = 200
    exact: bool = False

    def call(self, given: dict[str, object]) -> object:
        """Call the function, which may be async, with these fields. ValidationError if they are not what it takes."""
        # JSON, not Python values: then a text may stand for a path or an enumeration, although types are strict.
        parsed = self._input.model_validate_json(json.dumps(given))
        fields = {name: getattr(parsed, name) for name in self._input.model_fields}
        return self.action(**fields, **(parsed.model_extra or {}))

    @functools.cached_property
    def _input(self) -> type[BaseModel]:
        """The function's parameters as a model. It is made at the first call: most routes are never called."""
        fields: dict[str, Any] = {}
        unknown = "forbid" if self.exact else "ignore"
        for name, parameter in inspect.signature(self.action).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                unknown = "allow"
                continue
            unchecked = parameter.annotation is parameter.empty or isinstance(parameter.annotation, str)
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (object if unchecked else parameter.annotation, default)
        return create_model("Input", __config__=ConfigDict(strict=True, extra=unknown), **fields)  # type: ignore[typeddict-item]


class ControlApi:
    """A control interface: it listens from `async with` to its end, without credentials, for programs of this machine.

    A function that returns a text is answered with text, and otherwise with JSON. Pages in a browser are refused
    (`own_address`).
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address, with a closing slash."""
        return f"http://{self.host}:{self.port}/"

    def routes(self) -> Sequence[Route]:
        """Return all routes; the first one that fits a request answers it."""
        raise NotImplementedError

    def explain(self, error: Exception) -> tuple[int, object] | None:
        """Return status and JSON for an error of the caller, or None for an error of the sandbox."""
        if isinstance(error, ValidationError):
            wrong = [".".join(map(str, each["loc"])) + ": " + each["msg"] for each in error.errors()]
            return 400, {"error": "; ".join(wrong)}
        return (400, {"error": str(error)}) if isinstance(error, ValueError | TypeError) else None

    def answer_nothing(self) -> web.Response:
        """Return the answer for a function that returns None."""
        return web.json_response({})

    def as_json(self, value: object) -> object:
        """Return the JSON of a value that `json` cannot write. TypeError if there is none."""
        raise TypeError(f"{type(value).__name__} has no JSON")

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[refuse_foreign])
        for route in self.routes():
            method, path = route.request.split(" ")
            for form in {path, path.rstrip("/") + "/"}:
                app.router.add_route(method, form, functools.partial(self._answer, route))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        try:
            result = route.call(await _fields_of(request) | request.match_info)
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:
            explained = self.explain(error)
            if explained is None:
                raise
            return web.json_response(explained[1], status=explained[0])
        if result is None:
            return self.answer_nothing()
        if isinstance(result, str):
            return web.Response(text=result, status=route.status)
        return web.Response(
            text=json.dumps(result, default=self.as_json), status=route.status, content_type="application/json"
        )


def missing_fields(error: ValidationError) -> list[str]:
    """Return the required fields that the input lacks."""
    return [".".join(map(str, each["loc"])) for each in error.errors() if each["type"] == "missing"]


async def _fields_of(request: web.Request) -> dict[str, object]:
    if request.method in _IN_QUERY:
        return dict(request.query)
    text = await request.text()
    body = json.loads(text) if text.strip() else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body
