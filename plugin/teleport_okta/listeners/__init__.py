"""HTTP listeners that hostile clients cannot exhaust: connection limits, and a server with one handler."""
