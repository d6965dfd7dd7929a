"""The parts of the RDE rules' relative positive acceleration (RPA) and of the mean speed, per speed class.

RPA in m/s² = va_m2_s2 / distance_m; the mean speed that both RDE limits are read at = distance_m / duration_s.
Kept as sums because ratios do not add up. Regulation and definition of a second: `_rde`.
"""

from __future__ import annotations

from typing import Any

from agent.metrics._rde import ACCELERATING_MS2, Dynamics


class RpaSumM2S2(Dynamics):
    """{class: {va_m2_s2: sum of v·a·dt while accelerating above 0.1 m/s², distance_m, duration_s: of all its seconds}}."""

    def count(self, kept: dict[str, Any], v_ms: float, a_ms2: float) -> None:
        va = v_ms * a_ms2 if a_ms2 > ACCELERATING_MS2 else 0.0
        kept["va_m2_s2"] = kept.get("va_m2_s2", 0.0) + va
        kept["distance_m"] = kept.get("distance_m", 0.0) + v_ms
        kept["duration_s"] = kept.get("duration_s", 0) + 1
