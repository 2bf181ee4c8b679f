"""What people run: one module a verb, which parses, calls and renders, and decides nothing."""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own lines on stderr say less than our errors do

from teleport_okta.cli.root import main

__all__ = ["main"]
