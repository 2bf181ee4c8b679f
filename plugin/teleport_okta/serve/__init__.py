"""The gRPC services of this process, on a Unix socket in the data directory, and over TCP if `[serve]` says so."""
