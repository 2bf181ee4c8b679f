"""What can be set of the gRPC services that other machines reach."""

from __future__ import annotations

import re
from typing import Final

from pydantic import Field, field_validator, model_validator

from teleport_okta.model.names import name_problem
from teleport_okta.settings_parts import HIGHEST_PORT, HOST_AND_PORT, FilePath, Section

_KINDS: Final = ("user", "role", "host-role")
_SYSTEM_ROLE: Final = re.compile(r"[A-Z][A-Za-z_]*")


class ServeSettings(Section):
    """Where our gRPC services are offered over TCP, and to whom. The local socket for our commands needs none of it."""

    listen: str | None = Field(
        default=None,
        description="Address at which gRPC calls are answered, host:port, by TLS with certificates of Teleport on the "
        "client's side. Unset: nowhere.",
        pattern=HOST_AND_PORT,
    )
    certificate: FilePath | None = Field(
        default=None,
        description="PEM file of the certificate that we show, with the chain behind it. Read again when it changes.",
    )
    key: FilePath | None = Field(default=None, description="PEM file of its private key, not encrypted.")
    readers: tuple[str, ...] = Field(
        default=(),
        description="Who may read: status, plans, explanations, the journal. Entries are user:NAME, role:NAME (of "
        "people) or host-role:NAME (a system role of services, like Proxy). A bot must be named: user:bot-NAME. "
        "[]: nobody.",
    )
    writers: tuple[str, ...] = Field(
        default=(),
        description="Who may read, apply, approve, release, change SCIM tokens and enrol, likewise. []: nobody.",
    )
    scim_callers: tuple[str, ...] = Field(
        default=(),
        description="Who may send SCIM requests by gRPC, likewise; each needs a token as well. []: nobody.",
    )

    @field_validator("readers", "writers", "scim_callers")
    @classmethod
    def _entries_name_somebody(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for number, entry in enumerate(entries, start=1):
            problem = _entry_problem(entry)
            if problem:
                msg = f"number {number} is of no use: {problem}"
                raise ValueError(msg)
        return entries

    @model_validator(mode="after")
    def _listener_has_a_certificate(self) -> ServeSettings:
        if (self.certificate is None) != (self.key is None):
            given, missing = ("certificate", "key") if self.key is None else ("key", "certificate")
            msg = f"{given} is set but {missing} is not: TLS needs both"
            raise ValueError(msg)
        if self.listen is None:
            return self
        if int(self.listen.rpartition(":")[2]) > HIGHEST_PORT:
            msg = f"listen: {self.listen!r} has no port up to {HIGHEST_PORT}"
            raise ValueError(msg)
        if self.certificate is None:
            msg = "listen is set but certificate and key are not: gRPC is offered by TLS alone"
            raise ValueError(msg)
        return self


def _entry_problem(entry: str) -> str:
    """Say why an entry can match nobody, or might match more than it says; empty when it is in order."""
    kind, colon, name = entry.partition(":")
    if not colon or kind not in _KINDS:
        return f"an entry begins with {', '.join(f'{one}:' for one in _KINDS[:-1])} or {_KINDS[-1]}:"
    if "*" in name:
        return "there are no wildcards; name each user or role"
    if kind == "host-role":
        return "" if _SYSTEM_ROLE.fullmatch(name) else "a system role begins with a capital letter, like Proxy"
    return name_problem(name) or ""
