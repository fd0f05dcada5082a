"""A multi-user task service."""

from importlib.metadata import version

__version__ = version("todo")
