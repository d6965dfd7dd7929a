"""One file per summary number of a trip, named as the number with its unit. `discover` finds them; nothing registers.

A name that starts with `_` is what several metrics share, not a metric.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from agent.model import Metric

UNITS = ("_m", "_s", "_l", "_kwh", "_percent", "_m2_s2")
SPELT_OUT = ("_metres", "_meters", "_miles", "_seconds", "_minutes", "_hours", "_litres", "_liters")  # units, not counts


def discover() -> dict[str, type[Metric]]:
    """name → class of every metric here, sorted by name. Raises ValueError for a file that breaks the rules of the folder."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return {name: metric_in(importlib.import_module(f"{__name__}.{name}"), name) for name in names}


def metric_in(module: ModuleType, name: str) -> type[Metric]:
    """The one Metric that `module` defines; ValueError when there is not exactly one, or `name` says no unit and no count."""
    own = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Metric) and v.__module__ == module.__name__]
    if len(own) != 1:
        raise ValueError(f"agent/metrics/{name}.py defines {len(own)} metrics; a file holds exactly one")
    if not name.endswith(UNITS) and not is_count(name):
        raise ValueError(
            f"agent/metrics/{name}.py: the name ends neither in a unit ({', '.join(UNITS)}) nor in a plural, as a count does"
        )
    return own[0]


def is_count(name: str) -> bool:
    """Whether a name says how many: it ends in a plural (`harsh_brakes`) that is no unit written out."""
    return len(name.rpartition("_")[2]) > 3 and name.endswith("s") and not name.endswith(SPELT_OUT)
