"""Plugins as the server stores them: checks, static credentials, writes, and the leftovers of deleted plugins."""
