"""The address for monitoring: metrics for Prometheus, and health for probes."""
