"""The HTTP door: JSON over FastAPI."""
