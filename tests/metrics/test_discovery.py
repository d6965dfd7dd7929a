"""Discovery, and what holds for every metric: cut anywhere it goes on, sums add up, the unknown stays absent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import signals
from agent.metrics import discover, fuel_l, metric_in
from agent.model import NS, Area, Metric, Span, Step, Value, Wall
from agent.vehicle import Fuel, Vehicle
from tests.metrics.conftest import HOUR, OWNER, fold, resume, step

METRICS = discover()
HERE = Path(__file__).parent
PETROL = Vehicle(name="petrol", fuel=Fuel(type="petrol"))
SPAN = Span(0, 7200 * NS, Wall(1_700_000_000 * NS, "synchronised"), 3000.0)
FROM_SPAN = {"duration_s", "night_s", "unobserved_s"}  # known without a single step


def module(*own: str) -> ModuleType:
    """A module that defines metrics of these names."""
    made = ModuleType("agent.metrics.made_up")
    for name in own:
        setattr(made, name, type(name, (Metric,), {"__module__": made.__name__}))
    return made


def test_it_finds_each_file_once_sorted_by_name() -> None:
    files = Path(fuel_l.__file__).parent.glob("[!_]*.py")
    assert list(METRICS) == sorted(f.stem for f in files)
    assert METRICS["fuel_l"] is fuel_l.FuelL


def test_each_metric_has_its_test_and_each_test_its_metric() -> None:
    tests = {f.stem.removeprefix("test_") for f in HERE.glob("test_*.py")} - {"discovery"}
    assert tests == set(METRICS)


def test_each_metric_says_what_it_is() -> None:
    for name, kind in METRICS.items():
        assert kind.__doc__ and kind.__doc__ is not Metric.__doc__, name
        assert kind.__name__.lower() == name.replace("_", ""), name


def test_each_signal_that_a_metric_reads_is_in_the_table() -> None:
    for name, kind in METRICS.items():
        assert all(map(signals.known, kind.signals + kind.integrals)), name


def test_a_file_holds_exactly_one_metric() -> None:
    assert metric_in(module("Stops"), "stops").__name__ == "Stops"
    with pytest.raises(ValueError, match=r"stops\.py defines 2 metrics"):
        metric_in(module("Stops", "Starts"), "stops")
    with pytest.raises(ValueError, match="defines 0 metrics"):
        metric_in(module(), "stops")


def test_what_a_file_imports_is_not_its_metric() -> None:
    made = module("Stops")
    made.__dict__["Metric"] = Metric
    made.__dict__["Shared"] = type("Shared", (Metric,), {"__module__": "agent.metrics._shared"})
    assert metric_in(made, "stops").__name__ == "Stops"


@pytest.mark.parametrize("name", ["distance_m", "fuel_l", "rpa_sum_m2_s2", "harsh_brakes", "stops"])
def test_a_name_carries_its_unit_or_is_a_count(name: str) -> None:
    assert metric_in(module("Any"), name)


@pytest.mark.parametrize("name", ["distance", "distance_km", "distance_metres", "fuel_litres", "va_histogram", "score", "gas"])
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.py: the name ends neither in a unit"):
        metric_in(module("Any"), name)


# -- properties --------------------------------------------------------------------------------

SPEEDS = st.one_of(st.just(0.0), st.floats(-3, 60), st.integers(0, 40).map(float))
NUMBERS: dict[str, st.SearchStrategy[Value]] = {
    signals.ENGINE_SPEED: st.sampled_from([0, 0.0, 800, 2500.5]),
    signals.COOLANT: st.floats(-20, 110),
    signals.LAMBDA: st.floats(0, 2),
    signals.ETHANOL: st.integers(0, 85),
    signals.ODOMETER: st.integers(0, 40).map(lambda n: n * 100),
    signals.FUEL_LEVEL: st.floats(0, 100),
    signals.STATE_OF_CHARGE: st.floats(0, 100),
    fuel_l.FUEL_TYPE: st.sampled_from(["GAS", "HYB_GAS", "HYB_ELEC", "LPG"]),
}
AREAS = st.builds(Area, st.floats(0, 5000), st.floats(-5000, 0), st.floats(0.1, 1))
INTEGRATED = sorted({path for kind in METRICS.values() for path in kind.integrals})


@st.composite
def drives(draw: st.DrawFn) -> list[Step]:
    """A few seconds of anything: gaps, partial steps, jumps, signals that come and go."""
    steps = []
    v_ms = draw(SPEEDS)
    for n in range(draw(st.integers(1, 12))):
        whole = draw(st.integers(0, 5)) > 0
        v5_ms = draw(st.lists(SPEEDS, min_size=5, max_size=5)) if whole else draw(st.lists(SPEEDS, max_size=4))
        v1_ms = v5_ms[-1] if whole else draw(SPEEDS)
        steps.append(
            step(
                v_ms,
                v1_ms,
                end_s=n + 1,
                dt_s=1.0 if whole else draw(st.floats(0.01, 0.99)),
                follows=n > 0 and draw(st.integers(0, 5)) > 0,
                v5_ms=v5_ms,
                samples=draw(st.integers(0, 20)),
                known=draw(st.fixed_dictionaries({}, optional=NUMBERS)),
                areas=draw(st.dictionaries(st.sampled_from(INTEGRATED), AREAS)),
            )
        )
        v_ms = v1_ms
    return steps


def leaves(result: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a result, with its place."""
    if isinstance(result, dict):
        for key, inner in result.items():
            yield from leaves(inner, f"{path}/{key}")
    else:
        yield path, result


@given(steps=drives(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_folding_in_two_pieces_equals_folding_whole(steps: list[Step], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(steps)))
    for name, kind in METRICS.items():
        whole = fold(kind, steps, car=PETROL)
        pieces = resume(fold(kind, steps[:cut], car=PETROL))
        for one in steps[cut:]:
            pieces.step(one)
        assert pieces.state == json.loads(json.dumps(whole.state)), name
        assert pieces.result(SPAN) == whole.result(SPAN), name
        assert pieces.is_estimated() == whole.is_estimated(), name


@given(three=st.tuples(drives(), drives(), drives()))
@settings(max_examples=40, deadline=None)
def test_combining_is_associative(three: tuple[list[Step], ...]) -> None:
    for name, kind in METRICS.items():
        a, b, c = (fold(kind, steps, car=PETROL).result(SPAN) for steps in three)
        if a is not None and b is not None and c is not None:
            left, right = kind.combine(kind.combine(a, b), c), kind.combine(a, kind.combine(b, c))
            assert dict(leaves(left)) == pytest.approx(dict(leaves(right))), name


@given(steps=drives())
@settings(max_examples=40, deadline=None)
def test_a_result_is_plain_json_that_the_metric_no_longer_holds(steps: list[Step]) -> None:
    for name, kind in METRICS.items():
        metric = fold(kind, steps, car=PETROL)
        result = metric.result(SPAN)
        told = json.dumps(result, allow_nan=False)
        assert json.loads(told) == result, name
        for one in steps:
            metric.step(one)
        assert json.dumps(result) == told, name


def test_nothing_seen_is_nothing_known() -> None:
    results = {name: fold(kind, []).result(HOUR) for name, kind in METRICS.items() if name not in FROM_SPAN}
    assert set(results.values()) == {None}


def test_an_unknown_signal_stays_absent() -> None:
    steps = [step(end_s=n + 1.0, follows=n > 0) for n in range(10)]
    for name, kind in METRICS.items():
        if kind.signals or kind.integrals:
            assert fold(kind, steps, owner=OWNER).result(HOUR) is None, name
