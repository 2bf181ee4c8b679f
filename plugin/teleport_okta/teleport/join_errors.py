"""Why joining a cluster as a host can fail. No message ever holds the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.teleport.errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Iterable

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


class JoinTokenRefusedError(JoinError):
    """The token is wrong, used up or expired."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(address, f"the token is wrong or expired: {details}", remedy=_NEW_TOKEN)


class JoinTokenRoleError(JoinError):
    """The token is valid, but not for role Okta."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(address, f"the token does not allow role Okta: {details}", remedy=_NEW_TOKEN)


class JoinRefusedError(JoinError):
    """The server refused for another reason, or answered with something unusable."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(address, details, remedy="see the auth server's log")


class JoinUnreachableError(JoinError):
    """The auth server could not be reached, or its certificate was not believed."""

    def __init__(self, address: str, details: str) -> None:
        super().__init__(
            address,
            f"no verified connection: {details}",
            remedy="check that teleport.addr is the auth server, that it is up, and that the identity file or "
            "ca_pins are of this cluster",
        )


class JoinTrustMissingError(JoinError):
    """Nothing says which CA to believe."""

    def __init__(self, address: str) -> None:
        super().__init__(
            address,
            "nothing says which CA to trust",
            remedy="set teleport.identity, or teleport.ca_pins to the pins that `tctl status` prints",
        )


class PinMismatchError(JoinError):
    """The server's CA is not the one that was pinned. The token was not sent."""

    def __init__(self, address: str, found: Iterable[str]) -> None:
        self.found = tuple(found)
        super().__init__(
            address,
            f"the server presents CA {', '.join(self.found)}, which is not in ca_pins; the token was not sent",
            remedy="compare with `tctl status` on the auth server; if they differ, somebody is in between",
        )


class UntrustedLeafError(JoinError):
    """The server's certificate is not issued by the CA that it names. The token was not sent."""

    def __init__(self, address: str) -> None:
        super().__init__(
            address,
            "the server's certificate is not issued by the pinned CA; the token was not sent",
            remedy="check that teleport.addr is the auth server; if it is, somebody is in between",
        )
