"""The host CA and its rotation, phase by phase (`docs/reference/teleport-observed.md` 4).

A rotation has two sets of keys: the active one signs, the additional one is trusted beside it. `init` makes the new
keys, `update_clients` lets them sign, `update_servers` lets the servers present them, `standby` removes the old ones;
`rollback` returns to the old ones until `standby` removes the new. A phase out of order is refused with the text of
Teleport's public source.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from .authority import CertificateAuthority
from .caller import issued_by
from .refusal import bad_parameter, quoted
from .ssh_authority import SshAuthority

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509


class Phase(Enum):
    """The phase of a rotation."""

    STANDBY = "standby"
    INIT = "init"
    UPDATE_CLIENTS = "update_clients"
    UPDATE_SERVERS = "update_servers"
    ROLLBACK = "rollback"


_BEFORE: Final = {Phase.UPDATE_CLIENTS: Phase.INIT, Phase.UPDATE_SERVERS: Phase.UPDATE_CLIENTS}
_MAY_ROLL_BACK: Final = frozenset({Phase.INIT, Phase.UPDATE_CLIENTS, Phase.UPDATE_SERVERS})
_MAY_FINISH: Final = frozenset({Phase.UPDATE_SERVERS, Phase.ROLLBACK})


@dataclass(frozen=True, slots=True)
class HostKeys:
    """The two keys of a host CA, which are rotated together."""

    tls: CertificateAuthority
    ssh: SshAuthority

    @classmethod
    def generate(cls, cluster: str) -> HostKeys:
        """Make a new pair."""
        return cls(CertificateAuthority(cluster), SshAuthority(cluster))


class HostAuthority:
    """The host CA. `now` returns Unix seconds; `followers` are called after every change."""

    def __init__(self, cluster: str, now: Callable[[], float]) -> None:
        self._cluster = cluster
        self._now = now
        self._newest: HostKeys | None = None
        self._newest_accepted_from = 0.0
        self.active = HostKeys.generate(cluster)
        self.additional: HostKeys | None = None
        self.phase = Phase.STANDBY
        self.current_id = ""
        self.started: float | None = None
        self.last_rotated: float | None = None
        self.followers: list[Callable[[], None]] = []

    @property
    def in_progress(self) -> bool:
        """Whether a rotation is under way."""
        return self.phase is not Phase.STANDBY

    @property
    def trusted(self) -> tuple[HostKeys, ...]:
        """All keys whose certificates are trusted, the signing ones first."""
        return (self.active,) if self.additional is None else (self.active, self.additional)

    @property
    def serving(self) -> HostKeys:
        """The keys that signed the certificate which the servers present."""
        if self.phase is Phase.UPDATE_CLIENTS and self.additional is not None:
            return self.additional
        return self.active

    @property
    def pem(self) -> bytes:
        """The certificates of all trusted keys."""
        return b"".join(keys.tls.pem for keys in self.trusted)

    def turn_to(self, phase: str, refuse_new_for: float = 0.0) -> None:
        """Go to a phase. Raises Refusal, of class BadParameter, if it does not follow the current one.

        For `refuse_new_for` seconds the server still refuses certificates that the new keys signed, as a real server
        does until it has read its CAs again. ValueError if there are no new keys, at `standby`.
        """
        if phase not in {known.value for known in Phase}:
            raise bad_parameter(f"unsupported phase: {quoted(phase)}")
        target = Phase(phase)
        if refuse_new_for and target is Phase.STANDBY:
            raise ValueError("at standby there are no new certificates to refuse")
        self._require_order(target)
        if target is Phase.INIT:
            self._newest = self.additional = HostKeys.generate(self._cluster)
            self.current_id, self.started = str(uuid.uuid4()), self._now()
        elif target is Phase.UPDATE_CLIENTS or (target is Phase.ROLLBACK and self.phase is not Phase.INIT):
            self._swap()
        elif target is Phase.STANDBY:
            self._newest = self.additional = None
            self.started, self.last_rotated = None, self._now()
        self._newest_accepted_from = self._now() + refuse_new_for
        self.phase = target
        for follower in self.followers:
            follower()

    def refuses_for_now(self, certificate: x509.Certificate) -> bool:
        """Return whether the new keys signed the certificate, and the server has not read its CAs again yet."""
        if self._newest is None or self._now() >= self._newest_accepted_from:
            return False
        return issued_by(certificate, self._newest.tls.certificate)

    def _swap(self) -> None:
        if self.additional is not None:
            self.active, self.additional = self.additional, self.active

    def _require_order(self, target: Phase) -> None:
        if target is Phase.INIT:
            if self.in_progress:
                raise bad_parameter("can not initiate rotation while another is in progress")
        elif target in _BEFORE:
            if self.phase is not _BEFORE[target]:
                raise bad_parameter(
                    f"can only switch to phase {target.value} from {_BEFORE[target].value}, "
                    f"current phase is {self._phase_shown}"
                )
        elif self.phase not in (_MAY_ROLL_BACK if target is Phase.ROLLBACK else _MAY_FINISH):
            raise bad_parameter(
                f"can not transition to phase {quoted(target.value)} from {quoted(self._phase_shown)} phase."
            )

    @property
    def _phase_shown(self) -> str:
        """The server's name of the phase: empty before the first rotation."""
        return self.phase.value if self.current_id else ""
