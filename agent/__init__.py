"""Keyoff: the agent in the car that speaks up after key-off."""

__version__ = "0.1.0"
__date__ = "2026-11-30"  # of this version; while it is unreleased, a day near its last change: every clock is held against it
