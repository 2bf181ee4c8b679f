"""A small organisation on virtual time, called without any socket."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from multidict import CIMultiDict
from teleport_okta.sandbox.okta import Delays, OktaOrganization, Settings
from teleport_okta.sandbox.okta.gateway import Gateway, Response
from teleport_okta.sandbox.okta.messages import Request

BASE = "http://acme.test"
START = 1_767_600_000.25
PROMPT = Settings(delays=Delays(search=0, group_job=0, group_job_per_user=0, membership_stamp=0))
"""No background work: everything shows at once."""


@dataclass
class World:
    """An organisation, its clock, and a caller with the administrator's token."""

    settings: Settings = field(default_factory=Settings)
    now: float = START

    def __post_init__(self) -> None:
        self.org = OktaOrganization(self.settings, now=lambda: self.now, rng=random.Random(7))
        self.gateway = Gateway(self.org)
        self.authorization: str | None = f"SSWS {self.org.ssws_token}"

    def request(self, method: str, target: str, body: object = None, **headers: str) -> Request:
        sent = b"" if body is None else json.dumps(body).encode()
        fields = CIMultiDict({"Accept": "application/json"})
        if self.authorization:
            fields["Authorization"] = self.authorization
        if method in {"POST", "PUT"}:
            fields["Content-Length"] = str(len(sent))
        if sent:
            fields["Content-Type"] = "application/json"
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        return Request(method, target, fields, sent, BASE)

    def call(self, method: str, target: str, body: object = None, **headers: str) -> Response:
        return self.gateway.answer(self.request(method, target, body, **headers))

    def get(self, target: str, **headers: str) -> Response:
        return self.call("GET", target, **headers)

    def post(self, target: str, body: object = None, **headers: str) -> Response:
        return self.call("POST", target, body, **headers)

    def put(self, target: str, body: object = None, **headers: str) -> Response:
        return self.call("PUT", target, body, **headers)

    def delete(self, target: str) -> Response:
        return self.call("DELETE", target)

    def ids(self, target: str) -> list[str]:
        return [item["id"] for item in self.get(target).json()]

    def pages(self, target: str) -> list[list[str]]:
        """Follow the next links and return the ids of each page."""
        found, url = [], target
        while url:
            response = self.get(url)
            found.append([item["id"] for item in response.json()])
            url = links(response).get("next", "").removeprefix(BASE)
        return found


def links(response: Response) -> dict[str, str]:
    """Return the link header lines by relation."""
    found = {}
    for line in response.headers.getall("link", []):
        url, relation = line.split("; rel=")
        found[relation.strip('"')] = url.strip("<>")
    return found


def refused(response: Response) -> tuple[int, str]:
    """Return status and code of an error answer, whose shape is checked on the way."""
    body = response.json()
    assert list(body) == ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"]
    assert body["errorLink"] == body["errorCode"]
    assert body["errorId"].startswith("oae")
    return response.status, body["errorCode"]


def causes(response: Response) -> list[str]:
    return [cause["errorSummary"] for cause in response.json()["errorCauses"]]


def profile(name: str, **more: object) -> dict[str, object]:
    """Return the profile of a person at example.com."""
    address = f"{name}@example.com"
    return {"firstName": name.capitalize(), "lastName": "Tester", "login": address, "email": address} | more
