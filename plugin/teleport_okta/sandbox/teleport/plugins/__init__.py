"""Plugins as the server keeps them: checks, static credentials, writes, and what a deleted plugin leaves behind."""
