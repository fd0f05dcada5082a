"""No network and no disk: the domain, the services on memory, and single adapters."""
