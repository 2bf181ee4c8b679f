"""Refusals: one exception with the gRPC code and the text of a real Teleport."""

from __future__ import annotations

import json

import grpc


class Refusal(Exception):  # noqa: N818 - what the server answers, not a fault of the sandbox
    """An answer other than OK. Raised by a service, turned into a gRPC status by the router.

    Codes follow the classes of `docs/reference/teleport.md` 1.7; texts are the server's own.
    """

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def access_denied(text: str = "access denied") -> Refusal:
    """Return the refusal of class AccessDenied."""
    return Refusal(grpc.StatusCode.PERMISSION_DENIED, text)


def already_exists(text: str) -> Refusal:
    """Return the refusal of class AlreadyExists."""
    return Refusal(grpc.StatusCode.ALREADY_EXISTS, text)


def bad_parameter(text: str) -> Refusal:
    """Return the refusal of class BadParameter."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, text)


def compare_failed(text: str) -> Refusal:
    """Return the refusal of class CompareFailed."""
    return Refusal(grpc.StatusCode.FAILED_PRECONDITION, text)


def limit_exceeded(text: str) -> Refusal:
    """Return the refusal of class LimitExceeded."""
    return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, text)


def not_found(text: str) -> Refusal:
    """Return the refusal of class NotFound."""
    return Refusal(grpc.StatusCode.NOT_FOUND, text)


def unknown(text: str) -> Refusal:
    """Return the refusal of a plain error, which gRPC reports as UNKNOWN."""
    return Refusal(grpc.StatusCode.UNKNOWN, text)


def wrapped(refusal: Refusal, text: str) -> Refusal:
    """Return the same refusal with the name of the operation before its text, indented as the server does."""
    return Refusal(refusal.code, f"{text}\n\t" + refusal.text.replace("\n", "\n\t"))


def quoted(text: str) -> str:
    """Quote a text as the server does: double quotes, backslash escapes, letters of all scripts unchanged."""
    return json.dumps(text, ensure_ascii=False)
