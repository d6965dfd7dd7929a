"""One file per kind of event: its record, and the rule that raises it. `discover` finds them; nothing registers."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from types import ModuleType

from agent.model import Event, Rule


def discover() -> list[type[Rule]]:
    """The rule of every file here, sorted by name: the fixed order in which rules hear events.

    Raises ValueError for a file that breaks the rules of the folder.
    """
    return list(_rules())


@cache
def _rules() -> tuple[type[Rule], ...]:
    found = [rule_in(module, name) for name, module in _modules()]
    return tuple(rule for rule in found if rule is not None)


def _modules() -> list[tuple[str, ModuleType]]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    return [(name, importlib.import_module(f"{__name__}.{name}")) for name in names]


def check_acyclic(rules: Iterable[Rule]) -> None:
    """Raises ValueError when rules could hear each other in a circle."""
    rules = list(rules)
    hears = {r.name: {s.name for s in rules if set(s.raises) & set(r.hears)} for r in rules}
    done: set[str] = set()
    while ready := [n for n in hears if n not in done and hears[n] <= done]:
        done.update(ready)
    if len(done) != len(hears):
        raise ValueError(f"rules hear each other in a circle: {sorted(set(hears) - done)}")


def rule_in(module: ModuleType, name: str) -> type[Rule] | None:
    """The Rule that `module` defines, None for a file that holds records alone.

    ValueError when there are several, when it is not called as its file is, or when there is neither rule nor record.
    """
    own = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
    rules = [v for v in own if issubclass(v, Rule)]
    if not rules and not any(issubclass(v, Event) for v in own):
        raise ValueError(f"agent/events/{name}.py holds neither an event nor a rule")
    if len(rules) > 1:
        raise ValueError(f"agent/events/{name}.py holds {len(rules)} rules; a file holds one")
    if rules and getattr(rules[0], "name", None) != name:
        raise ValueError(f"agent/events/{name}.py: its rule is to be called {name!r}, as the file is")
    return rules[0] if rules else None


def kinds() -> dict[str, type[Event]]:
    """name → record of every kind of event."""
    own = [v for _, module in _modules() for v in vars(module).values() if getattr(v, "__module__", "") == module.__name__]
    return {e.__name__: e for e in sorted(filter(_is_record, own), key=lambda e: e.__name__)}


def _is_record(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Event)
