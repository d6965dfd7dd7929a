"""Rows: which months are compared."""

from __future__ import annotations

from agent.report.rows import detailed_months


def test_what_is_compared() -> None:
    assert detailed_months("2026-01") == ("2026-01", "2025-12", "2025-01")
