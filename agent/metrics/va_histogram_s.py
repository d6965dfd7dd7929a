"""Seconds by speed × acceleration, per speed class: the stored form of the RDE rules' v·a95.

Percentiles do not add up, histograms do: a month's v·a95 is that of its summed histogram. Regulation and
definition of a second: `_rde`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.metrics._rde import ACCELERATING_MS2, Dynamics

BIN_M2_S3 = 0.5  # a fortieth of the limits that it is held against
ENOUGH_S = 100  # the rules' least number of accelerating seconds in a class
BEND_KMH = 74.6  # where the limit's two lines meet


class VaHistogramS(Dynamics):
    """{class: {n: seconds with n ≤ v·a / 0.5 m²/s³ < n + 1}}, n as text, only while accelerating above 0.1 m/s²."""

    def count(self, kept: dict[str, Any], v_ms: float, a_ms2: float) -> None:
        if a_ms2 > ACCELERATING_MS2:
            n = str(int(v_ms * a_ms2 / BIN_M2_S3))
            kept[n] = kept.get(n, 0) + 1


def va95_m2_s3(histogram: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """The 95th percentile of v·a in m²/s³, per class of a result; a class with too few seconds is absent."""
    return {name: _percentile(bins, 0.95) * BIN_M2_S3 for name, bins in histogram.items() if sum(bins.values()) >= ENOUGH_S}


def va95_limit_m2_s3(mean_kmh: float) -> float:
    """The rules' upper limit of v·a95 in a class driven at this mean speed (`rpa_sum_m2_s2` has its parts)."""
    if mean_kmh <= BEND_KMH:
        return 0.136 * mean_kmh + 14.44
    return 0.0742 * mean_kmh + 18.966


def _percentile(bins: Mapping[str, int], share: float) -> float:
    """As the rules interpolate: linear between the values of two neighbouring ranks. In bin widths."""
    rank, part = divmod(share * sum(bins.values()), 1)
    low = _at_rank(bins, int(rank))
    return low + part * (_at_rank(bins, int(rank) + 1) - low) if part else low


def _at_rank(bins: Mapping[str, int], rank: int) -> float:
    """The rank-th smallest value (from 1), a bin's seconds spread evenly over it."""
    for n in sorted(map(int, bins)):
        if rank <= bins[str(n)]:
            return n + (rank - 0.5) / bins[str(n)]
        rank -= bins[str(n)]
    raise ValueError(f"the histogram ends {rank} before that rank")
