"""unobserved_s"""

from __future__ import annotations

from agent.metrics.unobserved_s import UnobservedS
from tests.metrics.conftest import fold, span


def test_it_is_what_is_missing_from_the_trip() -> None:
    assert fold(UnobservedS, []).result(span(600, observed_s=524)) == 76


def test_rounding_leaves_no_negative_rest() -> None:
    assert fold(UnobservedS, []).result(span(600, observed_s=600.000001)) == 0
