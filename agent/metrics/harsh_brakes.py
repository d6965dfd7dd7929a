"""How often the car was braked harshly (`harsh.brake_ms2`, held for `harsh.hold_s`)."""

from __future__ import annotations

from agent.metrics._harsh import HarshEpisodes


class HarshBrakes(HarshEpisodes):
    """Begun above `harsh.above_kmh`."""

    direction = -1
