"""Errors of requests that got no answer from Okta, because of the network, TLS, or the HTTP proxy."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp

from teleport_okta.okta.okta_errors import (
    Failure,
    HttpProxyRefusedError,
    HttpProxyUnreachableError,
    OktaError,
    OktaMalformedAnswerError,
    OktaTimedOutError,
    OktaTlsError,
    OktaUnavailableError,
    OktaUnreachableError,
)

if TYPE_CHECKING:
    from yarl import URL

    from teleport_okta.okta.http_proxy import HttpProxy

_NO_CONNECTION: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


_OTHER_WORDS: Final = (
    (aiohttp.ClientPayloadError, "the connection ended"),
    (TimeoutError, ""),
)


def undelivered(method: str, url: URL, error: Exception, proxy: HttpProxy | None) -> OktaError:
    """Return the typed error for an aiohttp or socket error.

    OktaUnreachableError if no connection was made, OktaTimedOutError if no answer came in time, OktaUnavailableError if
    none came for another reason, OktaMalformedAnswerError if it was cut off, OktaTlsError if the certificate could not
    be verified, HttpProxyRefusedError and HttpProxyUnreachableError if the proxy is the cause.
    """

    failure = Failure(method, url.raw_path, summary=_words(error))
    if proxy is not None and (by_proxy := _by_proxy(failure, url, error, proxy)) is not None:
        return by_proxy
    way = f" through the HTTP proxy {proxy}" if proxy is not None else ""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return OktaTlsError(
                failure,
                f"was not sent, because the certificate of {error.host} could not be verified",
                remedy="check okta.org_url; if a proxy on the way inspects TLS, set okta.ca to its CA",
            )
        case TimeoutError() if not isinstance(error, _NO_CONNECTION):
            return OktaTimedOutError(failure, f"got no answer in time{way}")
        case aiohttp.ClientPayloadError():
            return OktaMalformedAnswerError(failure, "got an answer that was cut off", cut_off=True)
        case aiohttp.ClientResponseError():
            return OktaMalformedAnswerError(failure, f"got an answer that is not HTTP{way}")
        case _:
            kind = OktaUnreachableError if isinstance(error, _NO_CONNECTION) else OktaUnavailableError
            in_time = " in time" if isinstance(error, TimeoutError) else ""
            is_unknown = isinstance(error, aiohttp.ClientConnectorDNSError)
            remedy = "check the spelling of okta.org_url, and the DNS servers of this machine" if is_unknown else ""
            return kind(failure, f"did not reach {url.host}{way}{in_time}", remedy=remedy)


def proxy_wants_credentials(failure: Failure, proxy: HttpProxy) -> HttpProxyRefusedError:
    """Return the error for a 407, which only a proxy answers."""
    given = proxy.authorization is not None
    return HttpProxyRefusedError(
        failure,
        f"was not sent, because the HTTP proxy {proxy} {'refused our' if given else 'needs a'} user name and password",
        remedy=f"{'correct' if given else 'set'} them in {proxy.variable}: http://user:password@host:port",
    )


def _by_proxy(failure: Failure, url: URL, error: Exception, proxy: HttpProxy) -> OktaError | None:
    """Return the error that the proxy caused; None if the proxy is not the cause."""
    match error:
        case aiohttp.ClientHttpProxyError(status=HTTPStatus.PROXY_AUTHENTICATION_REQUIRED):
            return proxy_wants_credentials(failure, proxy)
        case aiohttp.ClientHttpProxyError() if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return HttpProxyRefusedError(
                failure,
                f"was not sent, because the HTTP proxy {proxy} refused to connect us to {url.host}:{url.port}",
                remedy=f"allow that address in the proxy, or add {url.host} to NO_PROXY",
            )
        case aiohttp.ClientHttpProxyError():
            says = f"was not sent, because the HTTP proxy {proxy} could not reach {url.host}"
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientConnectorDNSError():
            says = f"did not reach the HTTP proxy {proxy}"
        case aiohttp.ConnectionTimeoutError():
            says = f"was not sent, because the HTTP proxy {proxy} did not connect us to {url.host} in time"
        case _:
            return None
    remedy = f"check {proxy.variable} and that the proxy runs, or add {url.host} to NO_PROXY"
    return HttpProxyUnreachableError(failure, says, remedy=remedy)


def _words(error: Exception) -> str:
    """Return the reason in an error, without the hosts and headers that aiohttp's own texts contain."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return str(error.certificate_error)
        case aiohttp.ClientHttpProxyError():
            return f"{error.status} {error.message}"
        case aiohttp.ClientResponseError():
            return error.message
        case aiohttp.ClientConnectorError():
            is_unknown = isinstance(error, aiohttp.ClientConnectorDNSError)
            reason = error.os_error.strerror or str(error.os_error)
            return f"no address was found for this name ({reason})" if is_unknown else reason
        case _:
            return next((words for kind, words in _OTHER_WORDS if isinstance(error, kind)), str(error))
