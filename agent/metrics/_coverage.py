"""From when on a sum over what was seen of a trip is an estimate of the trip's."""

from __future__ import annotations

COVERED_SHARE = 0.9  # what is missing could move the sum by a tenth: more than two trips differ by


def is_thin(seen_s: float, due_s: float) -> bool:
    """Whether too little of `due_s` was seen to call the sum measured."""
    return seen_s < COVERED_SHARE * due_s
