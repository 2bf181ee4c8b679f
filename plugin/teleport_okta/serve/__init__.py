"""What this process offers to others: so far the admin service, on a Unix socket in the data directory."""
