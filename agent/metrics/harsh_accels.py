"""How often the car was accelerated harshly (`harsh.accel_ms2`, held for `harsh.hold_s`)."""

from __future__ import annotations

from agent.metrics._harsh import HarshEpisodes


class HarshAccels(HarshEpisodes):
    """Above `harsh.above_kmh`: pulling away counts from there on."""

    direction = 1
