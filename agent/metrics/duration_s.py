"""Seconds from the trip's start to its end."""

from __future__ import annotations

from agent.model import NS, Metric, Span


class DurationS(Metric):
    """Of the trip as its rule sees it, observed or not."""

    def result(self, span: Span) -> float:
        return (span.end_ns - span.start_ns) / NS
