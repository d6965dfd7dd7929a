"""The house's rules of layout: what is added has its test, discovery fails loudly, rules know each other only by events."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from agent import signals
from agent.config import Owner
from agent.events import check_acyclic, discover, kinds, rule_in
from agent.model import Event, Rule, Setup
from agent.vehicle import Vehicle
from tests.conftest import ROOT

RULES = discover()
EVENTS = ROOT / "agent" / "events"
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "manager", "common", "base", "handler", "handlers", "misc"}
# by the daemon, the store, a person
PUBLISHED_BY_OTHERS = {
    "HealthReported",
    "ListeningStarted",
    "SequenceVoided",
    "TripAttributed",
    "CommandTaken",
    "ReportReady",
    "ReportKept",
}
SHARED = {"Concern", "ConcernSettled"}  # by every rule that has something to say
ENDINGS = ("ed", "Chosen", "Done", "Due", "Held", "Kept", "Set", "Taken", "Withdrawn", "Summary", "Weak", "Ahead", "Ready")


def stems(folder: Path, pattern: str = "*.py") -> set[str]:
    return {p.stem for p in folder.glob(pattern) if not p.stem.startswith("_") and p.stem != "conftest"}


def module(*own: type) -> ModuleType:
    """A module that defines these."""
    made = ModuleType("agent.events.made_up")
    for n, each in enumerate(own):
        setattr(made, f"Name{n}", type(each.__name__, (each,), {"__module__": made.__name__}))
    return made


class Named(Rule):
    name = "made_up"


# -- where do I add … --------------------------------------------------------------------------------


def test_each_event_type_has_its_test_and_each_test_its_event_type() -> None:
    assert {t.removeprefix("test_") for t in stems(ROOT / "tests" / "events")} == stems(EVENTS)


def test_each_metric_has_its_test() -> None:
    assert {f"test_{name}" for name in stems(ROOT / "agent" / "metrics")} <= stems(ROOT / "tests" / "metrics")


def test_each_vehicle_has_its_drive() -> None:
    golden = {p.name for p in (ROOT / "tests" / "golden").iterdir() if p.is_dir()}
    assert stems(ROOT / "dbc", "*.toml") <= golden


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    lines = {p.relative_to(ROOT): len(p.read_text(encoding="utf-8").splitlines()) for p in (ROOT / "agent").rglob("*.py")}
    assert not {path: n for path, n in lines.items() if n > 400}


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = []
    for path in (ROOT / "agent").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (node.end_lineno or 0) - node.lineno >= 60:
                long.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert not long


def test_nothing_has_a_name_that_says_nothing() -> None:
    for top in ("agent", "hil", "tests", "dbc", "systemd"):
        found = [p for p in (ROOT / top).rglob("*") if SAYS_NOTHING & set(p.stem.lower().split("_"))]
        assert not found


# -- discovery ---------------------------------------------------------------------------------------


def test_it_finds_each_rule_once_sorted_by_name() -> None:
    names = [r.name for r in RULES]
    assert names == sorted(set(names))
    assert {"trip", "odometer", "milestone", "service", "prompt", "driver_summary"} <= set(names) <= stems(EVENTS)


def test_it_fails_loudly() -> None:
    assert rule_in(module(Event), "made_up") is None
    found = rule_in(module(Event, Named), "made_up")
    assert found is not None and issubclass(found, Named)
    with pytest.raises(ValueError, match=r"made_up\.py holds neither an event nor a rule"):
        rule_in(module(), "made_up")
    with pytest.raises(ValueError, match=r"made_up\.py holds 2 rules"):
        rule_in(module(Named, Named), "made_up")
    with pytest.raises(ValueError, match="its rule is to be called 'other'"):
        rule_in(module(Named), "other")
    with pytest.raises(ValueError, match="its rule is to be called 'made_up'"):
        rule_in(module(Rule), "made_up")


def test_what_a_file_imports_is_not_its_rule() -> None:
    made = module(Event)
    made.__dict__["Named"] = Named
    assert rule_in(made, "made_up") is None


# -- rules and events --------------------------------------------------------------------------------


def made() -> list[Rule]:
    setup = Setup("unit-1", Vehicle("car"), Owner())
    return [rule(setup) for rule in RULES]


def test_rules_do_not_hear_each_other_in_circles() -> None:
    check_acyclic(made())


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_a_rule_knows_other_files_by_their_events_and_words_and_never_a_rule(rule: type[Rule]) -> None:
    path = EVENTS / f"{rule.name}.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("agent.events"):
            assert not {alias.name for alias in node.names} & {r.__name__ for r in RULES}, f"{path.name}: {ast.unparse(node)}"


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_a_rule_says_what_it_hears_raises_and_reads(rule: type[Rule]) -> None:
    known = set(kinds().values())
    assert set(rule.raises) <= known
    assert set(rule.hears) <= known
    assert all(map(signals.known, rule.signals))
    assert rule.__doc__ and rule.__doc__ is not Rule.__doc__
    if rule.event is not Rule.event:
        assert rule.hears, "an event that nobody asked for never comes"


@pytest.mark.parametrize("rule", made(), ids=lambda r: r.name)
def test_a_fresh_state_survives_being_written(rule: Rule) -> None:
    again = msgspec.json.decode(msgspec.json.encode(rule.snapshot()), type=type(rule.state))
    assert again == rule.state


def test_every_event_is_raised_by_one_file() -> None:
    by_rules = [kind.__name__ for rule in RULES for kind in rule.raises]
    own = [name for name in by_rules if name not in SHARED]
    assert len(own) == len(set(own))
    entered = {name for name, kind in kinds().items() if kind.enterable}
    assert {*by_rules, *entered} | PUBLISHED_BY_OTHERS == set(kinds())


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda k: k.__name__)
def test_an_event_is_a_fact_in_the_past_tense(kind: type[Any]) -> None:
    assert kind.__doc__ and kind.__doc__ is not Event.__doc__
    assert kind.__name__.endswith(ENDINGS) or kind.__name__ in SHARED
    assert 0 <= kind.importance <= 9
    assert kind.version >= 1
