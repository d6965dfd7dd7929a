"""Scales are round, hold what is drawn, and end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report.blocks import Chart, Table
from agent.report.charts import MOST_STEPS, WIDEST, scale, svg


@pytest.mark.parametrize(("most", "end", "steps"), [(0.0, 1.0, 4), (63.0, 80.0, 4), (8.4, 10.0, 4), (12.0, 15.0, 3)])
def test_a_scale_is_round(most: float, end: float, steps: int) -> None:
    assert scale(most) == (end, steps)


@given(st.floats(0, 1e15))
def test_a_scale_holds_it(most: float) -> None:
    end, steps = scale(most)
    assert most <= end * (1 + 1e-9) and end <= max(1.0, most) * 2.5
    assert 1 <= steps <= MOST_STEPS


def test_an_unknown_value_is_a_dash_and_no_column() -> None:
    chart = Chart(
        kind="columns",
        title="t",
        alt="A & B",
        labels=["a", "b", "c"],
        values=[1.0, None, 0.0],
        texts=["1", "–", "0"],
        table=Table("t", [], []),
    )
    drawn = svg(chart, "en")
    assert drawn.count("<rect") == 1
    assert ">–</text>" in drawn
    assert 'aria-label="A &amp; B"' in drawn


def test_few_months_are_no_walls_and_the_one_it_is_about_says_its_value() -> None:
    chart = Chart(
        kind="columns",
        title="t",
        alt="a",
        labels=["Aug", "Sep", "Oct"],
        values=[6.7, 6.6, 6.8],
        texts=["6.7\xa0l", "6.6\xa0l", "6.8\xa0l"],
        table=Table("t", [], []),
        mark=2,
    )
    drawn = svg(chart, "en")
    assert drawn.count(f'width="{WIDEST:.1f}"') == 3
    assert drawn.count(">6.8</text>") == 1 and ">6.7</text>" not in drawn
    assert drawn.count('class="s"') == 2
