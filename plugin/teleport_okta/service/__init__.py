"""The running service: its process, its parts, and how it takes over other settings while it runs."""
