"""Speed bands: what `speed_band_s` and `speed_band_m` share."""

from __future__ import annotations

from bisect import bisect_right

from agent.metrics._motion import MOVING_MS, mean_ms
from agent.model import Metric, Span, Step

BANDS = ("0", "0-30", "30-50", "50-70", "70-90", "90-110", "110-130", "130-")
EDGES_MS = (MOVING_MS, *(kmh / 3.6 for kmh in (30, 50, 70, 90, 110, 130)))  # the limits in use from town to motorway


class SpeedBands(Metric):
    """{band in km/h: sum}; a band holds its lower edge, "0" is standing, a band never driven is absent."""

    state: dict[str, float]

    def initial(self) -> dict[str, float]:
        return {}

    def amount(self, step: Step) -> float:
        """What a step adds to its band."""
        raise NotImplementedError

    def step(self, step: Step) -> None:
        band = BANDS[bisect_right(EDGES_MS, mean_ms(step))]
        self.state[band] = self.state.get(band, 0.0) + self.amount(step)

    def result(self, span: Span) -> dict[str, float] | None:
        return dict(self.state) or None
