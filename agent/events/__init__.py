"""One file per kind of event: its record, and the rule that raises it. `discover` finds them; nothing registers."""

from __future__ import annotations

import importlib
import pkgutil

from agent.model import Event, Rule


def discover() -> list[type[Rule]]:
    """Every Rule of every module here, sorted by its name: the fixed order in which rules hear events.

    Raises ValueError when two rules bear one name, or when a module holds neither rule nor event.
    """
    found: dict[str, type[Rule]] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        own = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
        if not any(issubclass(v, (Rule, Event)) for v in own):
            raise ValueError(f"agent/events/{info.name}.py holds neither an event nor a rule")
        for rule in (v for v in own if issubclass(v, Rule)):
            if rule.name in found:
                raise ValueError(f"two rules are called {rule.name}")
            found[rule.name] = rule
    return [found[name] for name in sorted(found)]


def kinds() -> dict[str, type[Event]]:
    """name → record of every kind of event that may leave the vehicle."""
    discover()
    every: list[type[Event]] = Event.__subclasses__()
    return {e.__name__: e for e in sorted(every, key=lambda e: e.__name__) if e.__module__.startswith(__name__)}
