"""What the car says, in words: concerns → title and text, in the person's language and units. Pure.

The texts are tables (agent/words/en.py, agent/words/de.py), the same keys and slots in each. A key is what a concern `says`, or
that and the value which CHOOSES names ("fault stop now"). A text is a title and its sentences; for one of them there may be
several, and the first whose values are all known is taken, the last one being "" where it may be left out. When there is none
for a sentence, nothing is said at all. Each text tells what it rests on; `closing` tells that it is automatic and from the car,
and how to stop such prompts. No exclamation marks, no warmth that a machine does not have. The title stands above the text
wherever it is shown, so the text does not repeat it. A sentence that begins with a line break begins a paragraph.

In a text, `{reading_m:distance about}` is the value `reading_m` written by FORMATS["distance"], which is given `about` as well.
What comes from outside (an item's name, a notice's title) is data: cleaned and cut (`plain`), never a template. A number keeps
its unit on its line, and a day its month (NO_BREAK).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from string import Formatter
from typing import Any, NamedTuple, TypeAlias

from agent.dtc import LAMP, is_code
from agent.events.concern import Concern
from agent.household import NO_BREAK, UNIT_M, Language, counts
from agent.localtime import DAY_NS, day_of
from agent.prompts.moment import Person
from agent.words import de as words_de
from agent.words import en as words_en

TOLD_LATE_NS = DAY_NS  # a congratulation told later than this says when it was, and why so late
HIGHEST = 1e8  # of a number in a text: ten times what any odometer shows
LONGEST = 160  # of words from outside: the title of a recall, not its whole text
TITLE_LONGEST = 40  # of the same in a title: mail clients show some 60 characters of a subject
AT_ONCE = 2_000  # of them is looked at: whatever is cleaned away, what is left is long enough
NOBODY = frozenset({"", "none", "nan", "null", "unknown", "n/a", "-", "–"})  # words that a value must not be
NOT_SHOWN = ("C", "Z")  # Unicode categories: control, direction and zero-width marks; spaces and line ends
IN_PLACE_OF = str.maketrans("{}<>", "()‹›")  # no template, no markup
CHOOSES = {"fault": "severity", "battery": "by", "service_soon": "by", "service_due": "by"}
Line: TypeAlias = str | tuple[str, ...]
LANGUAGES: dict[Language, Any] = {"en": words_en, "de": words_de}


class Text(NamedTuple):
    """`title`: a mail's subject. `body`: paragraphs, one a line."""

    title: str
    body: str


class Reader(NamedTuple):
    """In what language and unit it is written."""

    language: Language
    unit: str


class Unknown(Exception):
    """A value of the text is not known, or is no such value."""


def say(
    concern: Concern, person: Person, held_by: Iterable[str], raised_utc_ns: int | None, at_utc_ns: int | None
) -> Text | None:
    """The concern in words, as it will be told at `at_utc_ns`; None when a value in it is not known."""
    says, values = concern.says, dict(concern.values)
    values["noticed_day"] = None if raised_utc_ns is None else day_of(raised_utc_ns, person.zone)
    if concern.urgency == "celebration" and raised_utc_ns is None:
        says += "_undated"
    elif concern.urgency == "celebration" and (at_utc_ns or 0) - (raised_utc_ns or 0) > TOLD_LATE_NS:
        says += "_late"
        values |= {"day": values["noticed_day"], "because": weightiest(held_by)}
    return render(says, values, person.driver.language, counts(person.driver, person.owner))


def weightiest(held_by: Iterable[str]) -> str | None:
    """What of it can hold a prompt longest."""
    held = set(held_by)
    return next((by for by in words_en.BECAUSE if by in held), None)


def closing(language: Language) -> str:
    """Who speaks, and how to stop it."""
    text: str = LANGUAGES[language].CLOSING
    return text


def render(says: str, values: Mapping[str, Any], language: Language, distance_unit: str) -> Text | None:
    """A text with its values; None when one is not known, or there is no such text. `distance_unit`: km or mi."""
    reader = Reader(language, distance_unit)
    for lines in texts(says, values, language):
        try:
            title, *sentences = (line(each, values, reader) for each in lines)
        except Unknown:
            continue
        return Text(title, " ".join(filter(None, sentences)).replace(" \n", "\n").lstrip("\n"))
    return None


def texts(says: str, values: Mapping[str, Any], language: Language) -> Iterator[tuple[Line, ...]]:
    """The texts that may say it, the one that tells most first."""
    table: Mapping[str, tuple[Line, ...]] = LANGUAGES[language].TEXTS
    chosen = values.get(CHOOSES.get(says, ""))
    keys = (f"{says} {chosen}", says) if isinstance(chosen, str) else (says,)
    yield from (table[key] for key in keys if key in table)


def line(templates: Line, values: Mapping[str, Any], reader: Reader) -> str:
    """The first of them whose values are all known. Raises Unknown."""
    first, *others = (templates,) if isinstance(templates, str) else templates
    try:
        return fill(first, values, reader)
    except Unknown:
        if not others:
            raise
        return line(tuple(others), values, reader)


def fill(template: str, values: Mapping[str, Any], reader: Reader) -> str:
    """Raises Unknown."""
    out = []
    for literal, names, form in parsed(template):
        out.append(literal)
        if names:
            out.append(written(form, [known(values.get(name)) for name in names], reader))
    return "".join(out)


@cache
def parsed(template: str) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    """(text, the values that follow it, how they are written)."""
    found = []
    for literal, name, how, _ in Formatter().parse(template):
        form, *others = (how or "words").split()
        found.append((literal, () if name is None else (name, *others), form))
    return tuple(found)


def written(form: str, values: list[Any], reader: Reader) -> str:
    """Raises Unknown also for a value of another kind: notices come from outside."""
    try:
        return FORMATS[form](reader, *values)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        raise Unknown from None


def known(value: Any) -> Any:
    """`value`, unless it is none. Raises Unknown."""
    is_nan = isinstance(value, float) and not math.isfinite(value)
    if value is None or is_nan or (isinstance(value, str) and value.strip().lower() in NOBODY):
        raise Unknown
    return value


def plain(text: str, longest: int = LONGEST) -> str:
    """Words from outside as one line of `longest` characters at most. Raises Unknown when nothing is left of them."""
    shown = (
        " " if unicodedata.category(c) in ("Zs", "Zl", "Zp", "Cc") else c for c in unicodedata.normalize("NFC", text[:AT_ONCE])
    )
    line = "".join(c for c in shown if c == " " or unicodedata.category(c)[0] not in NOT_SHOWN)
    line = re.sub(r"\s*[!¡！]+", ".", line).translate(IN_PLACE_OF)  # the last one is full-width
    line = " ".join(line.split()).strip(" .")  # the text itself goes on after it
    if len(line) > longest:
        head, _, _ = line[: longest - 1].rpartition(" ")
        line = (head if len(head) > longest // 2 else line[: longest - 1]).rstrip(" ,.;:") + "…"
    if not any(c.isalnum() for c in line):
        raise Unknown
    return str(known(line))


def explained(code_words: str, language: Language) -> str | None:
    """What a trouble code means, by agent/dtc.py's words for it; None where this language has none for them."""
    try:
        return written("meaning", [known(code_words)], Reader(language, "km"))
    except Unknown:
        return None


# -- ways to write ---------------------------------------------------------------------------------


def _digits(reader: Reader, value: Any, digits: int = 0) -> str:
    if isinstance(value, bool) or not 0 <= value <= HIGHEST:
        raise ValueError(value)
    text = f"{value:,.{digits}f}"
    return text if reader.language == "en" else text.translate(str.maketrans(",.", ".,"))


def _distance(reader: Reader, value: Any, about: Any = False) -> str:
    """`about`: it is an estimate."""
    text = f"{_digits(reader, value / UNIT_M[reader.unit])}{NO_BREAK}{reader.unit}"
    return f"{LANGUAGES[reader.language].ABOUT} {text}" if about else text


def _mark(reader: Reader, value: Any, unit: Any) -> str:
    """A round reading, in the unit in which it is round."""
    if unit not in UNIT_M:
        raise ValueError(unit)
    return f"{_digits(reader, value)}{NO_BREAK}{unit}"


def _volts(reader: Reader, value: Any, about: Any = False) -> str:
    text = f"{_digits(reader, value, 2)}{NO_BREAK}V"
    return f"{LANGUAGES[reader.language].ABOUT} {text}" if about else text


def _days(reader: Reader, value: Any) -> str:
    one, many = LANGUAGES[reader.language].DAYS
    return f"{_digits(reader, max(1, value))}{NO_BREAK}{one if round(max(1, value)) == 1 else many}"


def _trips(reader: Reader, value: Any) -> str:
    one, many = LANGUAGES[reader.language].TRIPS
    return f"{_digits(reader, value)}{NO_BREAK}{one if value == 1 else many}"


def _day(reader: Reader, value: Any) -> str:
    day = date.fromisoformat(value)
    return f"{_number_of(reader, day)}{NO_BREAK}{_month_name(reader, day)} {day.year}"


def _moment(reader: Reader, value: Any) -> str:
    """ "Tuesday, 24 November 2026, 08:00"; in the place's own time."""
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(value)
    weekday: str = LANGUAGES[reader.language].WEEKDAYS[at.weekday()]
    return f"{weekday}, {_day(reader, at.date().isoformat())},{NO_BREAK}{at:%H:%M}"


def _between(reader: Reader, first: Any, last: Any) -> str:
    """ "between 3 and 20 October 2026"; one day by itself where both are the same."""
    low, high = date.fromisoformat(first), date.fromisoformat(last)
    on, between, and_ = LANGUAGES[reader.language].RANGE
    if low == high:
        return f"{on} {_day(reader, first)}"
    if low > high:
        raise ValueError(first)
    start = _number_of(reader, low)
    if (low.year, low.month) != (high.year, high.month):
        start += f"{NO_BREAK}{_month_name(reader, low)}" + (f" {low.year}" if low.year != high.year else "")
    return f"{between} {start} {and_} {_day(reader, last)}"


def _month(reader: Reader, value: Any) -> str:
    month = date.fromisoformat(f"{value}-01")
    return f"{_month_name(reader, month)}{NO_BREAK}{month.year}"


def _number_of(reader: Reader, day: date) -> str:
    return f"{day.day}." if reader.language == "de" else f"{day.day}"


def _month_name(reader: Reader, day: date) -> str:
    name: str = LANGUAGES[reader.language].MONTHS[day.month - 1]
    return name


def _words(_: Reader, value: Any) -> str:
    return plain(value)


def _short(_: Reader, value: Any) -> str:
    return plain(value, TITLE_LONGEST)


def _cut(_: Reader, value: Any) -> str:
    """What a title had no room for, in full."""
    text = plain(value)
    if text == plain(value, TITLE_LONGEST):
        raise Unknown
    return text


def _code(_: Reader, value: Any) -> str:
    if not is_code(value):
        raise ValueError(value)
    return str(value)


def _lamp(reader: Reader, value: Any) -> str:
    """The engine lamp by itself: it is on, and no code is known."""
    if value != LAMP:
        raise ValueError(value)
    text: str = LANGUAGES[reader.language].LAMP
    return text


def _meaning(reader: Reader, value: Any) -> str:
    """agent/dtc.py's words for a code; in another language by its table."""
    return plain(value) if reader.language == "en" else words_de.meaning(value)


def _missing(reader: Reader, value: Any) -> str:
    """What a notice would need to be matched with ("vin, year")."""
    table: Mapping[str, str] = LANGUAGES[reader.language].MISSING
    found = [table[name] for name in value.split(", ")]
    and_: str = LANGUAGES[reader.language].AND
    return and_.join(filter(None, (", ".join(found[:-1]), found[-1])))


def _because(reader: Reader, value: Any) -> str:
    reason: str = LANGUAGES[reader.language].BECAUSE[value]
    return reason


FORMATS: dict[str, Callable[..., str]] = {
    "distance": _distance,
    "mark": _mark,
    "volts": _volts,
    "days": _days,
    "trips": _trips,
    "day": _day,
    "moment": _moment,
    "between": _between,
    "month": _month,
    "words": _words,
    "short": _short,
    "cut": _cut,
    "code": _code,
    "lamp": _lamp,
    "meaning": _meaning,
    "missing": _missing,
    "because": _because,
}
