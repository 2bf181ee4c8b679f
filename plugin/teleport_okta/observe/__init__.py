"""How a running process is observed: log, metrics, health, and the notifications to systemd."""
