"""The running service: its process, what it runs, and how it takes over other settings while it runs."""
