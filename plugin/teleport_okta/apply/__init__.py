"""Applies a plan: in its order, a few objects at a time, and records each change in the journal."""
