"""The framework of both control interfaces: input, answers, errors; and the routes that the pages list."""

import re
from enum import StrEnum
from pathlib import Path

import aiohttp
import pytest
from teleport_okta.sandbox.control_api import ControlApi, Route, Seconds, Text
from teleport_okta.sandbox.okta import OktaControl, OktaOrganization, OktaSandbox
from teleport_okta.sandbox.teleport.control import Control
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox

ROOT = Path(__file__).parents[3]


class Colour(StrEnum):
    RED = "red"


class Lamp(ControlApi):
    def routes(self):
        async def wait(seconds: Seconds = 0.5) -> float:
            return seconds

        def paint(lamp: str, colour: Colour, by: Text | None = None) -> list[object]:
            return [lamp, type(colour).__name__, by]

        return [
            Route("GET /", lambda: {"kind": "lamp"}),
            Route("GET /lamps", lambda **query: query),
            Route("POST /lamps", lambda name: name, 201),
            Route("DELETE /lamps/{lamp}", lambda lamp: None),
            Route("POST /lamps/{lamp}/colour", paint),
            Route("POST /lamps/{lamp}/label", lambda lamp, **label: {lamp: label}),
            Route("POST /wait", wait, exact=True),
            Route("POST /break", lambda: {}["lamp"]),
        ]


@pytest.fixture
async def lamp():
    async with Lamp() as control, aiohttp.ClientSession(control.url) as session:
        yield session


@pytest.mark.parametrize(
    ("request_line", "body", "expected"),
    [
        ("GET /", None, (200, {"kind": "lamp"})),
        ("GET /lamps?on=yes", None, (200, {"on": "yes"})),
        ("GET /lamps/?on=yes", None, (200, {"on": "yes"})),
        ("DELETE /lamps/a", None, (200, {})),
        ("POST /lamps/a/colour", {"colour": "red"}, (200, ["a", "Colour", None])),
        ("POST /lamps/a/colour/", {"colour": "red", "by": "Ada", "why": "?"}, (200, ["a", "Colour", "Ada"])),
        ("POST /lamps/a/label", {"text": "x", "size": 3}, (200, {"a": {"text": "x", "size": 3}})),
        ("POST /wait", None, (200, 0.5)),
        ("POST /wait", {"seconds": 2}, (200, 2)),
    ],
)
async def test_path_query_and_body_are_the_arguments_of_a_function(lamp, request_line, body, expected):
    method, path = request_line.split(" ")
    async with lamp.request(method, path, json=body) as answer:
        assert (answer.status, await answer.json()) == expected


async def test_a_text_is_answered_as_text_with_the_status_of_the_route(lamp):
    async with lamp.post("/lamps", json={"name": "a"}) as answer:
        assert (answer.status, answer.content_type, await answer.text()) == (201, "text/plain", "a")


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/lamps", "{}", "name: "),
        ("/lamps", "[]", "JSON object"),
        ("/lamps", "{", ""),
        ("/lamps/a/colour", '{"colour": "blue"}', "colour: "),
        ("/lamps/a/colour", '{"colour": "red", "by": ""}', "by: "),
        ("/lamps/a/colour", '{"by": 7}', "colour: "),
        ("/wait", '{"seconds": "2"}', "seconds"),
        ("/wait", '{"seconds": true}', "seconds"),
        ("/wait", '{"seconds": Infinity}', "seconds"),
        ("/wait", '{"minutes": 2}', "minutes: "),
    ],
)
async def test_input_that_a_function_does_not_take_is_refused_by_name(lamp, path, body, wrong):
    async with lamp.post(path, data=body) as answer:
        assert answer.status == 400
        assert wrong in (await answer.json())["error"]


async def test_an_error_of_the_sandbox_itself_is_not_the_caller_s(lamp):
    async with lamp.post("/break") as answer:
        assert answer.status == 500


async def okta(_directory):
    async with OktaSandbox(OktaOrganization()) as sandbox:
        return OktaControl(sandbox).routes()


async def teleport(directory):
    async with TeleportSandbox(directory) as sandbox:
        return Control(sandbox).routes()


OF_EVERY_KIND = {"GET /{}", "GET /{}/{}"}
"""The page of Teleport's sandbox names kinds instead."""


@pytest.mark.parametrize(
    ("routes", "page"),
    [
        (okta, "docs/sandbox-okta.md"),
        (teleport, "docs/sandbox-teleport.md"),
    ],
)
async def test_the_page_lists_the_routes(tmp_path, routes, page):
    existing = {re.sub(r"\{\w+\}", "{}", route.request) for route in await routes(tmp_path)}
    section = (ROOT / page).read_text().partition("## The control interface\n")[2].partition("\n## ")[0]
    listed = set(listed_in(section))
    assert existing - listed <= OF_EVERY_KIND
    assert {line for line in listed - existing if not re.fullmatch(r"GET /\w+(/\{\})?", line)} == set()


def listed_in(section):
    """Yield `POST /apps/{}/activate` and `POST /apps/{}/deactivate` for "`POST /apps/{app}/activate`, `deactivate`"."""
    for cell in re.findall(r"^\| (`[A-Z]+ /[^|]*) \|", section, re.MULTILINE):
        for each in re.findall(r"`([^`]+)`", cell):
            if " " in each:
                method, path = each.split(" ")
            elif each.startswith("/"):
                path = each
            elif not each.startswith("?"):
                path = f"{path.rpartition('/')[0]}/{each}"
            yield f"{method} {re.sub(r'{[a-z_]+}|(?<=/)[A-Z]+', '{}', path)}"
