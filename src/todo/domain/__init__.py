"""What tasks and users are. Standard library only: no I/O, no clock, no async."""
