"""Who speaks when within each second."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

from agent.model import NS

K = TypeVar("K", bound=Hashable)

APART_NS = 250_000  # about one frame's time on a 500 kbit/s bus: what is due at once goes out one after another


def pattern(periods_ns: Mapping[K, int], apart_ns: int = 0) -> list[tuple[int, K]]:
    """The same pattern for every second: (ns into the second, who), in order of time.

    Each period has to fit into a second a whole number of times, or nearly so: the last interval takes what is
    left over. The first name is always on the dot; each further one is `apart_ns` later than the one before it.
    """
    slots = [
        (k * period_ns + i * apart_ns, i, who)
        for i, (who, period_ns) in enumerate(periods_ns.items())
        for k in range(round(NS / period_ns))
    ]
    return [(at_ns, who) for at_ns, _, who in sorted(slots, key=lambda slot: slot[:2])]
