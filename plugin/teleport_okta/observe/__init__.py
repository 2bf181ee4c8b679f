"""What can be seen of a running process: its log, without secrets."""
