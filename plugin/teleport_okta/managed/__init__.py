"""Management by Teleport's plugin resource: following its settings, and reporting the status in it."""
