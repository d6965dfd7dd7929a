"""How old the latest word about recalls is: shown wherever a person looks for them. No news is not "no recalls"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.cli.show import moment
from agent.localtime import DAY_NS

NONE_YET = "no catalogue of recalls has come, so nothing is known of any; that is not the same as none"
CLOSING = "no news since is not the same as no recalls"


def of_state(state: Mapping[str, Any]) -> dict[str, int]:
    """source → when its last catalogue was made, in UTC ns; from the state of the rule `notice`, {} where none ever came."""
    newest = state.get("catalogue_utc_ns")
    return dict(state.get("catalogues", {})) or ({} if newest is None else {"": newest})


def open_of(state: Mapping[str, Any]) -> dict[str, int]:
    """How many notices concern this car, and how many may, that are not remedied."""
    known = [k for k in state.get("known", {}).values() if not k.get("is_out") and k.get("progress") != "remedied"]
    return {verdict: sum(k.get("verdict", "cannot tell") == verdict for k in known) for verdict in ("applies", "cannot tell")}


def lines(catalogues: Mapping[str, int], zone: str, now_utc_ns: int | None) -> list[str]:
    """One for each source, the newest first, and what its age means."""
    if not catalogues:
        return [NONE_YET]
    newest_first = sorted(catalogues.items(), key=lambda each: -each[1])
    return [*(_line(source, utc_ns, zone, now_utc_ns) for source, utc_ns in newest_first), CLOSING]


def _line(source: str, utc_ns: int, zone: str, now_utc_ns: int | None) -> str:
    made = (moment(utc_ns, zone) or "")[:10]
    age = None if now_utc_ns is None else max(0, (now_utc_ns - utc_ns) // DAY_NS)
    old = "" if age is None else f", {age} day{'' if age == 1 else 's'} old"
    return f"catalogue of {source or 'an unnamed source'}, made {made}{old}"
