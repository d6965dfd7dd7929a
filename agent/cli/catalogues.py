"""How old the latest word about recalls is: shown wherever a person looks for them. No news is not "no recalls"."""

from __future__ import annotations

from collections.abc import Mapping

from agent.cli.show import moment
from agent.localtime import DAY_NS
from agent.notices import NoticeBook

NONE_YET = "no catalogue of recalls has come, so nothing is known of any; that is not the same as none"
CLOSING = "no news since is not the same as no recalls"


def counted(book: NoticeBook) -> dict[str, int]:
    """How many notices concern this car, and how many may, that are not remedied."""
    verdicts = [each.verdict for each in book.open().values()]
    return {verdict: verdicts.count(verdict) for verdict in ("applies", "cannot tell")}


def lines(catalogues: Mapping[str, int], zone: str, now_utc_ns: int | None) -> list[str]:
    """One for each source, and what its age means."""
    if not catalogues:
        return [NONE_YET]
    return [*(_line(source, utc_ns, zone, now_utc_ns) for source, utc_ns in catalogues.items()), CLOSING]


def _line(source: str, utc_ns: int, zone: str, now_utc_ns: int | None) -> str:
    made = (moment(utc_ns, zone) or "")[:10]
    age = None if now_utc_ns is None else max(0, (now_utc_ns - utc_ns) // DAY_NS)
    old = "" if age is None else f", {age} day{'' if age == 1 else 's'} old"
    return f"catalogue of {source or 'an unnamed source'}, made {made}{old}"
