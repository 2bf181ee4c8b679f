"""Check that recorded answers of a real organisation become facts without loss of what we use.

    python tests/recordings/okta_recordings.py DIR

Below DIR are JSON files, each a list of exchanges with at least `method`, `path`, `status`, `headers` and `body`.
One line a file; exit status 1 where something is lost or cannot be read. What is expected is taken from the raw JSON by
the few lines below, not by the code under test. Answers of kinds that we do not read are counted as passed over.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from multidict import CIMultiDict, CIMultiDictProxy
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.okta import STATUS_NOT_GIVEN
from teleport_okta.okta import facts
from teleport_okta.okta.answers import Answer
from teleport_okta.okta.fields import demanded
from teleport_okta.okta.pages import page_of
from teleport_okta.okta.response_errors import error_of
from teleport_okta.okta.saml_apps import metadata_of
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from teleport_okta.model.directory import OktaGroup
    from teleport_okta.model.okta import OktaUser
    from teleport_okta.model.saml_app import SamlApp

ORGANISATION: Final = "https://recorded.okta.com"

KINDS: Final = (
    ("organisation", re.compile(r"/\.well-known/okta-organization")),
    ("user", re.compile(r"/api/v1/users|/api/v1/users/[^/]+|/api/v1/groups/(?!rules/)[^/]+/users")),
    ("app user", re.compile(r"/api/v1/apps/[^/]+/users(/[^/]+)?")),
    ("app group", re.compile(r"/api/v1/apps/[^/]+/groups(/[^/]+)?")),
    ("app", re.compile(r"/api/v1/apps(/[^/]+)?|/api/v1/groups/[^/]+/apps")),
    ("group", re.compile(r"/api/v1/groups(/(?!rules$)[^/]+)?|/api/v1/users/[^/]+/groups")),
    ("metadata", re.compile(r"/api/v1/apps/[^/]+/sso/saml/metadata")),
)


@dataclass(frozen=True)
class Recorded:
    """One exchange of a file."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: str

    @classmethod
    def of(cls, exchange: Mapping[str, Any]) -> Recorded:
        """Take what counts of one object of the file."""
        return cls(*(exchange[name] for name in ("method", "path", "status", "headers", "body")))

    def answer(self) -> Answer:
        """Return it as the client would have seen it."""
        headers = CIMultiDictProxy(CIMultiDict(self.headers))
        url = URL(ORGANISATION + self.path, encoded=True)
        return Answer(self.method, url, self.status, headers, self.body.encode())

    @property
    def kind(self) -> str | None:
        """What its objects are, if we read such."""
        if self.status >= 400:
            return "error"
        if self.method == "DELETE" or not self.body:
            return None
        path = self.path.partition("?")[0]
        return next((kind for kind, pattern in KINDS if pattern.fullmatch(path)), None)


def losses(recorded: Recorded) -> Iterator[str]:
    """Yield what differs between the raw text of an exchange and what we make of it."""
    if recorded.kind == "metadata":
        if metadata_of(recorded.answer()) != recorded.body.encode():
            yield "the metadata is not read as it came"
        return
    raw = json.loads(recorded.body)
    if recorded.kind == "error":
        for name, expected, found in compared_error(raw, recorded.answer()):
            if expected != found:
                yield f"{name} is {expected!r}, read as {found!r}"
        return
    answer = recorded.answer()
    raw_rows: list[Any] = raw if isinstance(raw, list) else [raw]
    rows: list[Any] = page_of(answer).rows if isinstance(raw, list) else [answer.json()]
    if len(rows) != len(raw_rows):
        yield f"{len(raw_rows)} rows were recorded, {len(rows)} read"
    for raw_row, row in zip(raw_rows, rows, strict=False):
        for name, expected, found in compared(recorded.kind or "", raw_row, row):
            if expected != found:
                yield f"{recorded.kind} {raw_row.get('id')}: {name} is {expected!r}, read as {found!r}"
    for url, relation in re.findall(r'<([^>]*)>; rel="(\w+)"', recorded.headers.get("Link", "")):
        if answer.links.get(relation) != url:
            yield f"the link {relation} is {url!r}, read as {answer.links.get(relation)!r}"


def compared(kind: str, raw: Mapping[str, Any], row: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    """Yield name, recorded value and our value of everything that we use of one object."""
    match kind:
        case "organisation":
            organisation = facts.organization(row)
            yield "id", raw["id"], organisation.id
            yield "canonical URL", raw["_links"]["organization"]["href"], organisation.url
        case "app":
            app = facts.app(row)
            yield "id", raw["id"], app.id
            yield "name", raw["name"], app.name
            yield "label", raw["label"], app.label
            yield "status", raw["status"], app.status
            yield "signOnMode", raw["signOnMode"], app.sign_on_mode
            yield from compared_saml_app(raw, facts.saml_app(row))
        case "user":
            yield from compared_user(raw, facts.user(row))
            person = facts.person_of_user(row)
            yield "name", raw["profile"].get("login"), person.name
            yield "person's status", raw["status"], person.status
        case "group":
            yield from compared_group(raw, facts.group(row))
        case "app group":
            yield "id", raw["id"], demanded(row, "id")
        case "app user":
            assignment = facts.app_user(row)
            yield "id", raw["id"], assignment.user.id
            yield "status", raw.get("status", STATUS_NOT_GIVEN), assignment.status
            yield "scope", raw["scope"], assignment.scope
            yield "userName", (raw.get("credentials") or {}).get("userName"), assignment.user_name
            yield from compared_profile(raw["profile"], assignment.profile)
            person = facts.person_of_app_user(row)
            yield "name", assignment.user_name, person.name
            yield "person's profile", assignment.user.profile, person.profile
            yield "person's app profile", assignment.profile, person.app_profile
            embedded = (raw.get("_embedded") or {}).get("user")
            if embedded:
                yield from compared_user(embedded, assignment.user)


def compared_group(raw: Mapping[str, Any], group: OktaGroup) -> Iterator[tuple[str, object, object]]:
    """Yield the parts of a group."""
    yield "id", raw["id"], group.id
    yield "type", raw["type"], group.type
    yield "name", raw["profile"]["name"], group.name
    yield "description", raw["profile"].get("description") or "", group.description
    changed = group.membership_changed
    yield "lastMembershipUpdated", raw["lastMembershipUpdated"], changed and f"{changed:%Y-%m-%dT%H:%M:%S}.000Z"
    stats = (raw.get("_embedded") or {}).get("stats") or {}
    yield "usersCount", stats.get("usersCount"), group.users_count
    yield "appsCount", stats.get("appsCount"), group.apps_count
    is_administrative = stats.get("hasAdminPrivilege", stats.get("hasAdminPrivlege", False))
    yield "hasAdminPrivilege", is_administrative, group.is_administrative


def compared_saml_app(raw: Mapping[str, Any], app: SamlApp) -> Iterator[tuple[str, object, object]]:
    """Yield the parts of an app as an enrolment sees it."""
    for name in ("id", "name", "label", "status"):
        yield f"enrolled {name}", raw[name], getattr(app, name)
    yield "enrolled signOnMode", raw["signOnMode"], app.sign_on_mode
    sign_on = raw["settings"].get("signOn") or {}
    for name, ours in (
        ("ssoAcsUrl", app.acs_url),
        ("recipient", app.recipient),
        ("destination", app.destination),
        ("audience", app.audience),
    ):
        yield f"signOn.{name}", sign_on.get(name) or None, ours
    yield "signing.kid", (raw["credentials"].get("signing") or {}).get("kid"), app.signing_kid


def compared_user(raw: Mapping[str, Any], user: OktaUser) -> Iterator[tuple[str, object, object]]:
    """Yield the parts of a user."""
    yield "id", raw["id"], user.id
    yield "status", raw["status"], user.status
    yield "login", raw["profile"].get("login"), user.login
    yield from compared_profile(raw["profile"], user.profile)


def compared_profile(raw: Mapping[str, Any], ours: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    """Yield every attribute that either side has, with its type; only null, "", [] and {} count as empty."""
    filled = {name: value for name, value in raw.items() if value is not None and value not in ("", [], {})}
    for name in sorted(filled.keys() | ours.keys()):
        yield f"profile.{name}", (type(filled.get(name)), filled.get(name)), (type(ours.get(name)), ours.get(name))


def compared_error(raw: Mapping[str, Any], answer: Answer) -> Iterator[tuple[str, object, object]]:
    """Yield the parts of an error."""
    error = error_of(answer)
    yield "being an error", True, error is not None
    if error is not None:
        failure = error.failure
        # OAuth has names of its own (RFC 6749 5.2); a body of neither kind has at most a message.
        summary = raw.get("errorSummary", raw.get("error_description", raw.get("message", "")))
        yield "errorCode", raw.get("errorCode", raw.get("error")), failure.code
        yield "errorSummary", summary, failure.summary
        yield "errorId", raw.get("errorId"), failure.error_id
        causes = raw.get("errorCauses") or []
        listed = [causes] if isinstance(causes, dict) else causes
        words = tuple(cause["errorSummary"] for cause in listed if cause.get("errorSummary"))
        yield "errorCauses", words, failure.causes


def check(path: Path) -> tuple[str, bool]:
    """Check a file; return its line, and whether all is well."""
    try:
        exchanges = [Recorded.of(exchange) for exchange in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError) as error:
        return f"{path.name}: not a recording: {type(error).__name__}: {error}", False
    if not exchanges:
        return f"{path.name}: not a recording: it holds no exchange", False
    seen: Counter[str] = Counter()
    found: list[str] = []
    for number, recorded in enumerate(exchanges, 1):
        if recorded.kind is None:
            seen["passed over"] += 1
            continue
        try:
            found += [f"exchange {number}: {loss}" for loss in losses(recorded)]
            raw = {} if recorded.kind == "metadata" else json.loads(recorded.body)
        except (TeleportOktaError, ValueError, KeyError, AttributeError) as error:
            found.append(f"exchange {number}: {type(error).__name__}: {error}")
        else:
            seen[recorded.kind] += len(raw) if isinstance(raw, list) else 1
    counts = ", ".join(f"{count} {kind}" for kind, count in seen.items()) or "nothing"
    return f"{path.name}: {counts}: {'; '.join(found) or 'no loss'}", not found


def main(arguments: list[str]) -> int:
    """Check every file below the folder that is given."""
    if len(arguments) != 1:
        sys.stderr.write("usage: okta_recordings.py DIR\n")
        return 2
    results = [check(path) for path in sorted(Path(arguments[0]).rglob("*.json"))]
    if not results:
        sys.stderr.write(f"{arguments[0]}: there are no recordings here\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line, _ in results)
    return 0 if all(fine for _, fine in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
