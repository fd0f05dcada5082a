"""The rules of the HTTP contract, as tests: written once, and inherited once per store."""
