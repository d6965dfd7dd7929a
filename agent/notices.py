"""Recalls, software and bulletins: what a catalogue says, and whether it concerns this car. Pure.

Three answers: it applies, it does not, or the unit cannot tell. A criterion that a notice does not have says nothing; one
that the unit knows nothing about leaves the answer open; one that is not met settles it. Knowing more never turns "applies"
or "does not" into another answer; so what cannot be read (a range that no VIN can lie in), and what may be the same under
another name, is open too. A notice without any criterion is about no car in particular: the unit cannot tell.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec

NoticeKind: TypeAlias = Literal["recall", "software", "bulletin"]
"""A closed list: an offer is none of them, and is refused as `not asked`."""

Verdict: TypeAlias = Literal["applies", "does not", "cannot tell"]

VIN_CHARS, SERIAL_CHARS = 17, 6  # the last ones count the cars of a maker, model, year and plant (ISO 3779)
IS_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")  # likewise: no I, O, Q


Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


class VinRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Vehicles of one make: `prefix` as long as it is common to all, `?` for any character; serials inclusive, six characters.
    One car alone: its whole VIN as the prefix."""

    prefix: str
    first: str = "000000"
    last: str = "ZZZZZZ"


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that is given must be met. Years are model years."""

    vins: list[VinRange] = []
    make: str | None = None
    model: str | None = None
    years: list[int] = []
    calibrations: list[str] = []  # the software that is affected, by calibration id (SAE J1979 service 09 PID 04)
    profiles: list[str] = []  # Keyoff's vehicle profiles


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`id` as its publisher numbers it; `title` and `remedy` are shown to the owner as they are."""

    id: Text
    kind: NoticeKind
    title: Text
    published_day: str
    match: Match
    remedy: str = ""
    reference: str = ""
    do_not_drive: bool = False
    over_the_air: bool = False  # nothing to book


class Titled(msgspec.Struct, frozen=True):
    title: str = ""


class Joined(msgspec.Struct, frozen=True):
    """A notice and this car, as far as people ask for it."""

    notice: Titled = Titled()
    verdict: str = "cannot tell"
    progress: str = "open"
    is_out: bool = False


class NoticeBook(msgspec.Struct, frozen=True):
    """Of the state that the rule `notice` keeps what is shown of it, without loading the rule."""

    known: dict[str, Joined] = {}
    catalogue_utc_ns: int | None = None
    catalogues: dict[str, int] = {}

    def open(self) -> dict[str, Joined]:
        """What concerns this car, or may, and is not remedied; by id."""
        known = sorted(self.known.items())
        return {id: k for id, k in known if k.verdict != "does not" and k.progress != "remedied" and not k.is_out}

    def by_source(self) -> dict[str, int]:
        """Source → when its last catalogue was made, the newest first; of before each source had its own, one without a name."""
        newest = {} if self.catalogue_utc_ns is None else {"": self.catalogue_utc_ns}
        return dict(sorted((self.catalogues or newest).items(), key=lambda each: -each[1]))


class Identity(NamedTuple):
    """What is known of this car; None and empty: not known."""

    profiles: frozenset[str] = frozenset()  # the names of its profile; none where that is for any car
    vin: str | None = None
    make: str | None = None
    model: str | None = None
    year: int | None = None
    calibrations: frozenset[str] = frozenset()
    is_all: bool = True  # whether it has no other calibration of what the notice is about


def judge(match: Match, car: Identity) -> tuple[Verdict, list[str]]:
    """Whether it concerns this car; with "cannot tell", what the unit would have to know."""
    answers = [
        ("vin", in_ranges(match.vins, car.vin), bool(match.vins)),
        ("make", same(match.make, car.make), match.make is not None),
        ("model", same(match.model, car.model), match.model is not None),
        ("year", car.year in match.years if car.year is not None else None, bool(match.years)),
        ("calibration", has_calibration(match.calibrations, car), bool(match.calibrations)),
        ("profile", bool(car.profiles & set(match.profiles)) if car.profiles else None, bool(match.profiles)),
    ]
    asked = [(name, answer) for name, answer, is_asked in answers if is_asked]
    if any(answer is False for _, answer in asked):
        return "does not", []
    missing = [name for name, answer in asked if answer is None]
    return ("cannot tell", missing) if missing or not asked else ("applies", [])


def has_calibration(affected: list[str], car: Identity) -> bool | None:
    """That none of those known is affected says something only where all are known."""
    if car.calibrations & set(affected):
        return True
    return False if car.calibrations and car.is_all else None


def same(wanted: str | None, known: str | None) -> bool | None:
    """Names as people write them: "CX-5" is "cx5"; "RAV4" may or may not be the "RAV4 Hybrid"."""
    w, k = _words(wanted), _words(known)
    if not w or not k:
        return None
    if "".join(w) == "".join(k):
        return True
    return None if set(w) <= set(k) or set(k) <= set(w) else False


def _words(name: str | None) -> list[str]:
    return re.findall(r"\w+", (name or "").casefold().replace("-", ""))


def in_ranges(ranges: list[VinRange], vin: str | None) -> bool | None:
    vin = (vin or "").strip().upper()
    if not IS_VIN.fullmatch(vin):
        return None
    found = [_in(each, vin) for each in ranges]
    return True if True in found else None if None in found else False


def _in(range_: VinRange, vin: str) -> bool | None:
    """None for a range that says nothing: no prefix or one longer than a VIN, serials of another length, first after last."""
    prefix, first, last = (each.strip().upper() for each in (range_.prefix, range_.first, range_.last))
    if not prefix.strip("?") or len(prefix) > VIN_CHARS or not len(first) == len(last) == SERIAL_CHARS or first > last:
        return None
    is_like = all(want in ("?", has) for want, has in zip(prefix, vin, strict=False))
    return is_like and first <= vin[-SERIAL_CHARS:] <= last
