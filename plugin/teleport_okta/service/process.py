"""The process of a service, from start to end, with its listeners, signals and reloads.

Monitoring listens before the cluster is reached. Commands and callers over TCP are answered while the process runs,
even if there is nothing to sync.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from teleport_okta import __version__
from teleport_okta.app import opened_base
from teleport_okta.background_tasks import in_background
from teleport_okta.clock import SystemClock
from teleport_okta.config import read_secret
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.listeners.descriptors import ensure_descriptors
from teleport_okta.monitoring.endpoint import serving_monitoring
from teleport_okta.observe import logs
from teleport_okta.observe.health import Health
from teleport_okta.observe.metrics import Metrics
from teleport_okta.observe.systemd import ServiceManager
from teleport_okta.observe.waits import SilenceKeeper
from teleport_okta.revision import source_revision
from teleport_okta.scim.tokens import ScimTokens
from teleport_okta.serve.admin import AdminService, serving
from teleport_okta.serve.okta_service import offered_okta
from teleport_okta.serve.remote import RemoteLimits, serving_remote
from teleport_okta.serve.scim_service import offered_scim
from teleport_okta.serve.teleport_view import TeleportView
from teleport_okta.service.live_integration import LiveIntegrator
from teleport_okta.service.reload import Reloader
from teleport_okta.service.service import Service, do_nothing
from teleport_okta.state.data_dir import check_ours

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from teleport_okta.app import Base
    from teleport_okta.settings import Settings

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)


async def serve(
    settings: Settings,
    *,
    debug: bool = False,
    ready: Callable[[], None] = do_nothing,
    read: Callable[[], Settings] | None = None,
) -> None:
    """Run the service until SIGTERM or SIGINT; raises what `app.opened_base` raises, and ConfigError of a pass.

    `ready` is called when commands and SCIM requests are answered. `read` gives the settings of the file as it is now,
    for SIGHUP. An error that ends the service is logged before it is raised, unless the wrong user runs it: the
    service's user could not write to a log that root made.
    """
    check_ours(settings.storage.data_dir)
    open_log = partial(set_up_logs, debug=debug)
    open_log(settings)
    _log.info("teleport-okta v%s starts; data in %s", __version__, settings.storage.data_dir)
    systemd = ServiceManager()
    _cancel_on_signals(systemd)
    systemd.status(f"connecting to Teleport at {settings.teleport.addr}")

    def answers() -> None:
        systemd.status("running; `teleport-okta status` says more")
        systemd.ready()
        ready()

    ensure_descriptors()
    metrics, health = Metrics(source_revision()), Health()
    metrics.follow_health(health.components)
    reloader = Reloader(settings, read or (lambda: settings), open_log, systemd)
    try:
        clock = SystemClock()
        with reloader.on_hangup():
            async with (
                serving_monitoring(settings.metrics.listen, metrics.registry, health, clock=clock),
                in_background(clock, SilenceKeeper(clock).keep, partial(systemd.keep_alive, clock)),
                opened_base(settings, clock=clock, persistent=True, metrics=metrics, health=health) as base,
                in_background(base.clock, *base.background_tasks),
                offered(settings, base, answers, reloader) as service,
            ):
                _stop_on_signals(service, systemd)
                await service.run()
    except asyncio.CancelledError:
        _log.info("stopped before it was connected to Teleport")
    except TeleportOktaError as error:
        _log.critical("the service ends: %s", error)
        raise
    except Exception:
        _log.critical("the service ends: an unexpected error", exc_info=True)
        raise
    else:
        _log.info("stopped")


def set_up_logs(settings: Settings, *, debug: bool = False, among_output: bool = False) -> None:
    """Set up the log as the settings say. Raises ConfigError.

    `among_output`: a command writes lines of its own too, so standard output and error get only warnings and errors.
    """
    severity = "debug" if debug else settings.log.severity
    if among_output and logs.is_standard_stream(settings.log.output) and severity != "error":
        severity = "warn"
    logs.set_up(
        output=settings.log.output,
        severity=severity,
        layout=settings.log.format,
        secrets=_secrets(settings),
    )


@asynccontextmanager
async def offered(
    settings: Settings, base: Base, ready: Callable[[], None] = do_nothing, reloader: Reloader | None = None
) -> AsyncIterator[Service]:
    """Serve commands and callers over TCP until the block ends; the caller runs the service.

    Raises ConfigError.
    """
    service = Service(settings, base, ready, reloader)
    admin = AdminService(service, base.store, base.clock)
    integrator = LiveIntegrator(settings, base)
    okta = offered_okta(integrator)
    tokens = ScimTokens(base.store.scim_tokens, settings.scim.token_hash, clock=base.clock)
    limits = RemoteLimits.of(settings.scim)
    async with (
        offered_scim(
            settings.scim, service.scim.requests, tokens, clock=base.clock, observer=service.scim.traffic
        ) as scim,
        serving(admin, settings.storage.data_dir, (okta, *scim)),
        serving_remote(
            settings.serve,
            (admin.offer(), okta, *scim),
            TeleportView(base.teleport, base.clock),
            clock=base.clock,
            limits=limits,
        ) as remote,
        in_background(base.clock, service.report),
    ):
        with base.metrics.followed_certificates(partial(service.certificates, remote)):
            if reloader is not None:
                reloader.attach(integrator.take, service.take)
            yield service


def _secrets(settings: Settings) -> list[str]:
    """Return every secret of the configuration that can be read, to keep it out of the log."""
    given = {
        "okta.api_token": settings.okta.api_token,
        "teleport.join_token": settings.teleport.join_token,
        "scim.token_hash": settings.scim.token_hash,
    }
    secrets = []
    for key, value in given.items():
        with suppress(ConfigError):
            secrets += [read_secret(value, key=key)] if value is not None else []
    return secrets


def _cancel_on_signals(systemd: ServiceManager) -> None:
    """On a signal, cancel the present task, which waits for Teleport and has no change in flight."""
    task = asyncio.current_task()
    if task is None:
        return

    def stop() -> None:
        systemd.stopping()
        task.cancel()

    for number in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _stop_on_signals(service: Service, systemd: ServiceManager) -> None:
    """Stop gracefully on the first signal; a SIGINT after that ends the process at once."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        _log.info("%s: finishing the changes in flight", number.name)
        loop.remove_signal_handler(signal.SIGINT)
        systemd.stopping()
        service.stop()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop, number)
