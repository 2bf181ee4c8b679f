"""HTTP listeners that hostile clients cannot exhaust: limits, accepting, and a server of one handler."""
