"""Python's garbage collector, as a process that runs for months wants it."""

from __future__ import annotations

import gc

ALLOCATIONS = 50_000  # between two looks for garbage in cycles; samples die by themselves, and each look costs 1/30 of the CPU


def calm_collector() -> None:
    """Once a process is set up: leave what lives for ever out of garbage collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 20)
