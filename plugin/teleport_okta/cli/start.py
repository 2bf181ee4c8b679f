"""`teleport-okta start`: the service."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING

import click

from teleport_okta.cli.options import config_option
from teleport_okta.config import load
from teleport_okta.observe import logs
from teleport_okta.service.process import serve

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@config_option
@click.option("-d", "--debug", is_flag=True, help="Log at severity debug.")
def start(config_path: Path, *, debug: bool) -> int:
    """Run the service until SIGTERM or SIGINT, with a full pass at the start and at every interval.

    On SIGHUP it reads the configuration file again and reopens its log.
    """
    return run_service(config_path, debug=debug)


def run_service(config_path: Path, *, debug: bool = False) -> int:
    """Run the service until a signal ends it, and return the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until `serve` handles it, SIGHUP would end the process
    read = partial(load, config_path)
    try:
        asyncio.run(serve(read(), debug=debug, read=read))
    except Exception:
        if logs.is_on_stderr():
            return 1  # the log has the error, in its format
        raise
    return 0
