"""Errors of joining a cluster as a host. No message has the token in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NEW_TOKEN = "make one with `tctl tokens add --type=okta` and set teleport.join_token"  # noqa: S105


class JoinError(TeleportError):
    """This host could not join the cluster at `address`."""

    def __init__(self, address: str, problem: str, *, remedy: str) -> None:
        super().__init__(f"joining {address} as a host of role Okta: {problem}", remedy=remedy)
        self.address = address


class JoinTokenMissingError(JoinError):
    """This host has not joined yet and has no token to join with."""

    def __init__(self, address: str) -> None:
        super().__init__(address, "there is neither a stored host identity nor a join token", remedy=_NEW_TOKEN)


class NotJoinedError(JoinError):
    """This host has not joined the cluster yet, and the command joins only with `--join`."""

    def __init__(self, address: str, data_dir: Path) -> None:
        problem = f"this host has not joined the cluster yet: {data_dir} holds no host identity"
        remedy = "the first start of the service joins; to join now and read then: --join"
        super().__init__(address, problem, remedy=remedy)


class JoinTokenRefusedError(JoinError):
    """The token is wrong, was revoked or has expired. Teleport does not say which."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(address, f"the token is wrong, was revoked or has expired: {details}", remedy=_NEW_TOKEN)


class JoinTokenRoleError(JoinError):
    """The token is valid, but not for role Okta."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(address, f"the token does not allow role Okta: {details}", remedy=_NEW_TOKEN)


class JoinPodRefusedError(JoinError):
    """The provision token's rules do not allow this pod's service account, or its token could not be verified."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(
            address,
            f"this pod's service account is not allowed: {details}",
            remedy="compare the account with spec.kubernetes of the provision token (`tctl get token/<name>`): allow "
            "must name it as `namespace:name`; with type static_jwks its token must be made for the cluster's name",
        )


class JoinMethodError(JoinError):
    """The token is for join method kubernetes, and we joined with method token."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(
            address,
            f"the token is of another join method: {details}",
            remedy="set teleport.join_method to kubernetes, or make a secret token with `tctl tokens add --type=okta`",
        )


class JoinRefusedError(JoinError):
    """The server refused for another reason, or its answer is unusable."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(address, details, remedy="see the auth server's log")


class JoinUnreachableError(JoinError):
    """The cluster could not be reached, or its certificate could not be verified."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(
            address,
            f"no verified connection: {details}",
            remedy="check that teleport.addr is the proxy or the auth server, that it is up, and that the identity "
            "file or ca_pins are of this cluster, and not from before its last CA rotation",
        )


class JoinTrustMissingError(JoinError):
    """No setting says which CA to trust."""

    def __init__(self, address: str) -> None:
        super().__init__(
            address,
            "no setting says which CA to trust",
            remedy="set teleport.identity, or teleport.ca_pins to the pins that `tctl status` prints",
        )


class PinMismatchError(JoinError):
    """The server's CA is not the one that was pinned. The token was not sent."""

    def __init__(self, address: str, found: Iterable[str]) -> None:
        self.found = tuple(found)
        super().__init__(
            address,
            f"the server presents CA {', '.join(self.found)}, which is not in ca_pins; the token was not sent",
            remedy="compare with `tctl status` on the auth server; if they differ, another server is in between",
        )


class UntrustedLeafError(JoinError):
    """The server's certificate is not issued by the CA that it names. The token was not sent."""

    def __init__(self, address: str) -> None:
        super().__init__(
            address,
            "the server's certificate is not issued by the pinned CA; the token was not sent",
            remedy="check teleport.addr; if it is right, another server is in between",
        )


class ForeignAnswerError(JoinError):
    """The answer is of a CA that is not trusted. Nothing was stored; `found` are the pins of its CAs."""

    def __init__(self, address: str, found: Iterable[str], *, are_pinned: bool) -> None:
        self.found = tuple(found)
        source = "in ca_pins" if are_pinned else "in the bot's identity file, nor listed by a server of its cluster"
        remedy = (
            "compare ca_pins with `tctl status` on the auth server"
            if are_pinned
            else "let tbot renew the identity file and start again"
        )
        super().__init__(
            address,
            f"the answer is of CA {', '.join(self.found) or 'unknown'}, which is not {source}; nothing was stored",
            remedy=f"{remedy}; if they stay different, another server is in between",
        )
