"""The engine: when to read, what to do with what was read: full passes, and single keys beside them."""
