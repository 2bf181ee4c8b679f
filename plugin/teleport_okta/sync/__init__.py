"""The engine: full passes, single keys beside them, and following changes in both systems."""
