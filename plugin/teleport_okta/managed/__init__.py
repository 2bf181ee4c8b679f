"""Life under Teleport's plugin resource: its settings are followed, and the status is reported there."""
