"""A month's report without what others agreed to show in it, once they take that back. Pure; of a report as JSON.

| taken back | by                                       | goes from                | what                                |
|------------|------------------------------------------|--------------------------|-------------------------------------|
| `compare`  | anybody                                  | everybody else's reports | `others`; `use`, where it was told  |
|            |                                          |                          | from more than the reader's trips   |
| `guardian` | a driver under 18, or who may see theirs | the latter's             | that one of the `wards`             |
| `report`   | a driver under 18                        | who may see theirs       | the same: it leaves with their own  |

A mean does not say whose it is: it goes with anybody's word. What is left is still true, and shows a part less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.report.rows import MONTHS_BACK

NEAR_M = 1.0  # two sums of the same metres


def without(report: Mapping[str, Any], driver: str, purpose: str, whom: str | None = None) -> Mapping[str, Any]:
    """What is left of it after this word of `driver`: the same object when nothing goes. Raises KeyError, TypeError or
    AttributeError for what is no report."""
    reader, gone = report["driver"], set()
    if purpose == "compare" and driver != reader:
        gone = {"others"} | ({"use", "use_share"} if _is_of_more(report) else set())
    wards = report.get("wards", [])
    kept = [ward for ward in wards if not _falls(ward["driver"], reader, driver, purpose, whom)]
    if kept == wards and not gone & report.keys():
        return report
    rest = {name: value for name, value in report.items() if name not in {"wards", *gone}}
    return rest | ({"wards": kept} if kept else {})


def _falls(ward: str, reader: str, driver: str, purpose: str, whom: str | None) -> bool:
    if purpose == "report":
        return driver == ward
    return purpose == "guardian" and ((driver == ward and whom in (None, reader)) or (driver == reader and whom in (None, ward)))


def _is_of_more(report: Mapping[str, Any]) -> bool:
    """Whether `use` was told from others' trips too: it is of a year, and so are one's own months."""
    own_m: float = sum(month["distance_m"] for month in report.get("year", [])[-MONTHS_BACK:])
    return "use" in report and bool(report["use"]["distance_m"] > own_m + NEAR_M)
