"""What people run: one module a verb, which parses, calls and renders, and decides nothing."""

from teleport_okta.cli.root import main

__all__ = ["main"]
