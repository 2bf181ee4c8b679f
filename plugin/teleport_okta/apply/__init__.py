"""Runs a plan: in its order, a few objects at a time, with a record of everything."""
