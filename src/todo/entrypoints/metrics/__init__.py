"""What whoever runs the service can read off it: counted as it happens, shown as Prometheus reads it."""
