"""What each port promises, as tests: written once, and inherited once per adapter."""
