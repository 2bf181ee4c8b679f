"""The settings of the gRPC services that other machines reach."""

from __future__ import annotations

import re
from typing import Final

from pydantic import Field, field_validator, model_validator

from teleport_okta.model.names import name_problem
from teleport_okta.settings_parts import HIGHEST_PORT, HOST_AND_PORT, FilePath, Section

_KINDS: Final = ("user", "role", "host-role")
_SYSTEM_ROLE: Final = re.compile(r"[A-Z][A-Za-z_]*")


class ServeSettings(Section):
    """The gRPC services over TCP, and their callers. The local socket that our commands use needs none of this."""

    listen: str | None = Field(
        default=None,
        description="Address of the gRPC services, host:port. Callers use TLS with a client certificate of Teleport. "
        "Unset: no listener.",
        pattern=HOST_AND_PORT,
    )
    certificate: FilePath | None = Field(
        default=None,
        description="PEM file of the server's certificate, followed by its chain. Read again when it changes.",
    )
    key: FilePath | None = Field(default=None, description="PEM file of its private key, not encrypted.")
    readers: tuple[str, ...] = Field(
        default=(),
        description="Who may read: status, plans, explanations, the journal. Entries are user:NAME, role:NAME (of "
        "people) or host-role:NAME (a system role of services, like Proxy). A bot needs an entry user:bot-NAME. "
        "[]: nobody.",
    )
    writers: tuple[str, ...] = Field(
        default=(),
        description="Who may read, apply, approve, release, enrol and change SCIM tokens; same entries. []: nobody.",
    )
    scim_callers: tuple[str, ...] = Field(
        default=(),
        description="Who may send SCIM requests by gRPC; same entries. Each needs a SCIM token too. []: nobody.",
    )

    @field_validator("readers", "writers", "scim_callers")
    @classmethod
    def _entries_can_match(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for number, entry in enumerate(entries, start=1):
            problem = _entry_problem(entry)
            if problem:
                msg = f"number {number} matches no caller: {problem}"
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
            msg = "listen is set but certificate and key are not: gRPC needs TLS"
            raise ValueError(msg)
        return self


def _entry_problem(entry: str) -> str:
    """Return why an entry can match no caller, or may match more than it says; empty if it is in order."""
    kind, colon, name = entry.partition(":")
    if not colon or kind not in _KINDS:
        return f"an entry begins with {', '.join(f'{one}:' for one in _KINDS[:-1])} or {_KINDS[-1]}:"
    if "*" in name:
        return "there are no wildcards; name each user or role"
    if kind == "host-role":
        return "" if _SYSTEM_ROLE.fullmatch(name) else "a system role begins with a capital letter, like Proxy"
    return name_problem(name) or ""
