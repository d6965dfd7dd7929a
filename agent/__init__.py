"""Keyoff: the agent in the car that speaks up after key-off."""

__version__ = "0.1.0"
