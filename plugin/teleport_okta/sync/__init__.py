"""The engine: when to read, what to do with what was read. So far the full pass, at start and at an interval."""
