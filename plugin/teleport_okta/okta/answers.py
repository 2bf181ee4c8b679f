"""One answer of Okta, and the lenient reading of its body (`docs/reference/okta.md` 2.3)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.links import links
from teleport_okta.okta.okta_errors import Failure, OktaMalformedAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multidict import CIMultiDictProxy
    from yarl import URL

_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_LONGEST_WORDS: Final = 500
_MOST_CAUSES: Final = 10
_SUMMARIES: Final = ("errorSummary", "error_description", "message")
"""The keys of the error text: in Okta's form, in OAuth's, and in bodies without an `errorCode`.

See `docs/reference/okta.md` 12.1.
"""

_CHALLENGE: Final = re.compile(r'\b(error|error_description)\s*=\s*"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """The complete answer to one request."""

    method: str
    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def links(self) -> dict[str, str]:
        """The URLs of the `Link` headers by relation."""
        return links(self.headers.getall("Link", []))

    @property
    def media_type(self) -> str:
        """The type of the body, in lower case and without parameters; empty if the answer has none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def other_than_asked(self, what: str) -> OktaMalformedAnswerError:
        """Return the error for an answer of another type than requested, which probably does not come from Okta."""
        return OktaMalformedAnswerError(
            self.failure(),
            f"answered with {what}",
            remedy="check that okta.org_url is the organisation itself, and that no proxy answers instead of it",
        )

    def json(self) -> object:
        """Return the body as JSON.

        Raises OktaMalformedAnswerError. HTML comes from another server, so a retry would not help; for text that is cut
        off, or is not JSON, it may (`cut_off`).
        """
        if self.media_type in _HTML:
            raise self.other_than_asked("an HTML page")
        try:
            value: object = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            says = f"answered {len(self.body)} bytes that are not complete JSON"
            raise OktaMalformedAnswerError(self.failure(), says, cut_off=True) from error
        return value

    def json_object(self) -> Mapping[str, object]:
        """Return the body as a JSON object. Raises OktaMalformedAnswerError."""
        value = self.json()
        if not isinstance(value, dict):
            says = f"answered a {type(value).__name__} instead of an object"
            raise OktaMalformedAnswerError(self.failure(), says)
        return value

    def failure(self) -> Failure:
        """Describe the answer for an error; a body that is not in Okta's error format is left out.

        For a call with an invalid proof of possession, only the header `WWW-Authenticate` has the error (RFC 9449
        §7.1).
        """
        body = self._error_body() or dict(_CHALLENGE.findall(self.headers.get("WWW-Authenticate", "")))
        causes = body.get("errorCauses")
        return Failure(
            method=self.method,
            path=self.url.raw_path,
            status=self.status,
            code=_text(body.get("errorCode")) or _text(body.get("error")) or None,
            summary=next(filter(None, (_text(body.get(name)) for name in _SUMMARIES)), ""),
            causes=tuple(
                text
                for cause in (causes[:_MOST_CAUSES] if isinstance(causes, list) else [causes])
                if isinstance(cause, dict) and (text := _text(cause.get("errorSummary")))
            ),
            error_id=_text(body.get("errorId")) or None,
            request_id=self.headers.get("X-Okta-Request-Id"),
        )

    def _error_body(self) -> dict[str, object]:
        if self.status < HTTPStatus.BAD_REQUEST:
            return {}
        try:
            body = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}


def _text(value: object) -> str:
    return value[:_LONGEST_WORDS] if isinstance(value, str) else ""
