"""The monitoring endpoint: metrics for Prometheus, and health for probes."""
