"""The installed command, started as a person starts it."""
