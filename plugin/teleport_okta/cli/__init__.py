"""The command line: one module for each verb, which parses, calls and renders, and decides nothing."""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # our errors say more than gRPC's own lines on stderr

from teleport_okta.cli.root import main

__all__ = ["main"]
