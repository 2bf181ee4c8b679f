"""Errors of identity files and stored identities, each with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from datetime import datetime

_RENEW = "let tbot renew it, or write a new one with `tctl auth sign --format=file`"


class IdentityError(TeleportError):
    """An identity cannot be used. `source` is the file, or a name for it."""

    def __init__(self, source: str, problem: str, *, remedy: str) -> None:
        super().__init__(f"identity {source}: {problem}", remedy=remedy)
        self.source = source


class IdentityMissingError(IdentityError):
    """The file does not exist."""

    def __init__(self, source: str) -> None:
        super().__init__(source, "there is no such file", remedy="check teleport.identity, and that tbot has started")


class IdentityUnreadableError(IdentityError):
    """The file is there but cannot be read."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(source, f"cannot be read: {reason}", remedy="let the service's user read it")


class IdentityIsDirectoryError(IdentityError):
    """The path is a directory, most likely tbot's destination."""

    def __init__(self, source: str) -> None:
        super().__init__(source, "is a directory", remedy="name the file `identity` in tbot's output directory")


class IdentityDamagedError(IdentityError):
    """The content is empty, cut off or no identity file. tbot rewrites in place, so it may be complete soon."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(source, problem, remedy=f"wait if tbot is writing it at this moment, otherwise {_RENEW}")


class IdentityKeyMismatchError(IdentityError):
    """Private key and certificate do not belong together: the file was read between two renewals."""

    def __init__(self, source: str) -> None:
        super().__init__(source, "its private key does not belong to its certificate", remedy=_RENEW)


class IdentityWithoutCAError(IdentityError):
    """The file has no host CA, so no server can be verified."""

    def __init__(self, source: str) -> None:
        super().__init__(
            source,
            "it has no CA certificate after its own",
            remedy="use the `identity` output of tbot or `tctl auth sign --format=file`, not the bare certificate",
        )


class IdentityExpiredError(IdentityError):
    """The certificate has expired. A connection with it would look like an outage.

    See `docs/reference/teleport-observed.md` 2.
    """

    def __init__(self, source: str, not_after: datetime, now: datetime, *, remedy: str = _RENEW) -> None:
        super().__init__(
            source, f"expired at {not_after:%Y-%m-%dT%H:%M:%SZ}, it is {now:%Y-%m-%dT%H:%M:%SZ}", remedy=remedy
        )
        self.not_after = not_after


class IdentityNotYetValidError(IdentityError):
    """The certificate is not valid yet: a clock is wrong."""

    def __init__(self, source: str, not_before: datetime, now: datetime) -> None:
        super().__init__(
            source,
            f"is valid from {not_before:%Y-%m-%dT%H:%M:%SZ} only, it is {now:%Y-%m-%dT%H:%M:%SZ}",
            remedy="correct this machine's clock",
        )
        self.not_before = not_before


class ForeignClusterError(IdentityError):
    """Two identities are of different clusters."""

    def __init__(self, source: str, cluster: str, *, other_source: str, other_cluster: str) -> None:
        super().__init__(
            source,
            f"is of cluster {cluster}, but {other_source} is of cluster {other_cluster}",
            remedy="give both identities of one cluster; for another cluster use another data directory",
        )


class NotAHostIdentityError(IdentityError):
    """The certificate is not that of a host of system role Okta."""

    def __init__(self, source: str, subject: str, roles: tuple[str, ...]) -> None:
        super().__init__(
            source,
            f"is of {subject} with role {', '.join(roles) or 'none'}, not a host of system role Okta",
            remedy="join with a token of `tctl tokens add --type=okta`",
        )


class HostStoreError(IdentityError):
    """The stored host identity cannot be used. It is never overwritten automatically."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(
            source,
            problem,
            remedy="remove the file and start with teleport.join_token set: the host joins again under the same id",
        )
