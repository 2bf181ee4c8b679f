"""Admission over TCP: identify the caller by certificate, check access, then check for locks in Teleport."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import grpc
from cryptography import x509

from teleport_okta.serve.access import AccessDeniedError, AccessPolicy, Need, UnknownMethodError
from teleport_okta.serve.client_certificate import CertificateRefusedError, read_caller
from teleport_okta.serve.gate import CallRefusedError
from teleport_okta.serve.teleport_view import CallerLockedError, CallerNotLookedUpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport_okta.clock import Clock
    from teleport_okta.serve.client_certificate import ClusterCAs, RemoteCaller
    from teleport_okta.serve.gate import Context
    from teleport_okta.serve.teleport_view import ClusterView
    from teleport_okta.settings_serve import ServeSettings

_LOGGED_EVERY: Final = 60.0
"""Seconds before the same refusal is logged again: clients retry often."""

_MOST_LOGGED: Final = 1_000

_CHANGES: Final = frozenset({Need.WRITE, Need.ENROL})

_log = logging.getLogger(__name__)


class RemoteAdmission:
    """Admits callers by their certificate (`gate.Admission`). `cas` returns the CAs that are trusted now."""

    def __init__(
        self, settings: ServeSettings, cluster: ClusterView, cas: Callable[[], ClusterCAs], *, clock: Clock
    ) -> None:
        self._policy = AccessPolicy(settings)
        self._cluster = cluster
        self._cas = cas
        self._clock = clock
        self._logged: OrderedDict[str, float] = OrderedDict()

    async def admit(self, method: str, context: Context) -> str:
        """Return the caller in words. Raises CallRefusedError."""
        address = address_of(context.peer())
        try:
            caller = self._identified(context, address)
        except CertificateRefusedError as error:
            self._log_refusal(f"a call from {address} is refused: {error.what}")
            raise CallRefusedError(grpc.StatusCode.UNAUTHENTICATED, error) from error
        who = f"{caller}, from {address}"
        try:
            need = self._policy.demand(method, caller.entries)
            await self._cluster.check_standing(caller)
        except (AccessDeniedError, CallerLockedError) as error:
            self._log_refusal(f"{who}: refused: {error.what}")
            raise CallRefusedError(grpc.StatusCode.PERMISSION_DENIED, error) from error
        except UnknownMethodError as error:
            raise CallRefusedError(grpc.StatusCode.UNIMPLEMENTED, error) from error
        except CallerNotLookedUpError as error:
            self._log_refusal(f"{who}: refused: {error.what}: {error.__cause__}")
            raise CallRefusedError(grpc.StatusCode.UNAVAILABLE, error) from error
        _log.log(logging.INFO if need in _CHANGES else logging.DEBUG, "%s is called by %s", method, who)
        return who

    def _identified(self, context: Context, address: str) -> RemoteCaller:
        """Return the caller that the client certificate names. Raises CertificateRefusedError."""
        pems = list(context.auth_context().get("x509_pem_cert", ()))
        if len(pems) != 1:
            what = "the connection has no client certificate"
            raise CertificateRefusedError(what, remedy="connect by TLS with a certificate of Teleport")
        try:
            certificate = x509.load_pem_x509_certificate(pems[0])
            return read_caller(certificate, self._cas(), now=self._clock.now(), address=address)
        except ValueError as error:
            what = f"the client certificate is not accepted: it cannot be read: {error}"
            raise CertificateRefusedError(what, remedy="use a certificate that Teleport has issued") from error

    def _log_refusal(self, text: str) -> None:
        now = self._clock.monotonic()
        if now - self._logged.get(text, -_LOGGED_EVERY) < _LOGGED_EVERY:
            return
        self._logged[text] = now
        self._logged.move_to_end(text)
        if len(self._logged) > _MOST_LOGGED:
            self._logged.popitem(last=False)
        _log.warning("%s", text)


def address_of(peer: str) -> str:
    """Return the IP address in a peer as gRPC names it: `ipv4:10.0.0.7:40712`, `ipv6:%5B::1%5D:40712`."""
    scheme, _, rest = unquote(peer).partition(":")
    if scheme not in {"ipv4", "ipv6"}:
        return peer
    return rest.rpartition(":")[0].strip("[]")
