"""What the service is compared with: on the same tables, with the same answers."""
