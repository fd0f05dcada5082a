"""How fast the service is, measured against the floor and the usual stack. `make bench` runs it."""
