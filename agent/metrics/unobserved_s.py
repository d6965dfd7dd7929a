"""Seconds of the trip in which nobody saw its speed."""

from __future__ import annotations

from agent.model import NS, Metric, Span


class UnobservedS(Metric):
    """Bridged gaps, and the ends of the trip before the first and after the last speed."""

    def result(self, span: Span) -> float:
        return max(0.0, (span.end_ns - span.start_ns) / NS - span.observed_s)
