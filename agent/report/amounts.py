"""Numbers, lengths, times and days as a person reads them: in their language and units. What is not known is an en dash."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

from agent.household import NO_BREAK, UNIT_M, Language
from agent.report.driving import Economy, in_unit
from agent.words import LANGUAGES

UNKNOWN = "–"
ECONOMY_UNITS = {"l/100km": f"l/100{NO_BREAK}km", "km/l": "km/l", "mpg_us": f"mpg{NO_BREAK}(US)", "mpg_uk": f"mpg{NO_BREAK}(UK)"}
ENERGY_UNIT = f"kWh/100{NO_BREAK}km"
MONTHS: dict[Language, tuple[str, ...]] = {language: words.MONTHS for language, words in LANGUAGES.items()}


class Amounts(NamedTuple):
    """What a reader counts in. Each method gives text for one value; `about` puts a ~ before it: an estimate."""

    language: Language
    counts: Literal["km", "mi"]
    economy_unit: Economy

    def number(self, value: float | None, digits: int = 0, about: bool = False) -> str:
        if value is None:
            return UNKNOWN
        text = f"{value:,.{digits}f}"
        text = "0" + text[2:] if text.startswith("-0") and not text.strip("-0.,") else text
        if self.language == "de":
            text = text.translate(str.maketrans(",.", ".,"))
        return f"~{text}" if about else text

    def with_unit(self, value: float | None, unit: str, digits: int = 0, about: bool = False) -> str:
        return UNKNOWN if value is None else f"{self.number(value, digits, about)}{NO_BREAK}{unit}"

    def length(self, m: float | None, digits: int = 0, about: bool = False) -> str:
        return self.with_unit(self.in_counts(m), self.counts, digits, about)

    def in_counts(self, m: float | None) -> float | None:
        return None if m is None else m / UNIT_M[self.counts]

    def about_length(self, m: float) -> str:
        """To the nearest hundred: more would claim more than is known."""
        return self.with_unit(round(m / UNIT_M[self.counts], -2), self.counts)

    def speed(self, kmh: float) -> str:
        """Whole km/h, or miles an hour."""
        return self.with_unit(kmh * 1000 / UNIT_M[self.counts], "km/h" if self.counts == "km" else "mph")

    def per_hundred(self, value: float | None, about: bool = False) -> str:
        """A count per 100 km, as one per 100 km or miles."""
        return self.number(None if value is None else value * UNIT_M[self.counts] / 1000, 1, about)

    def share(self, value: float | None, about: bool = False) -> str:
        """A share of 0 to 1 in percent; what would round to nothing says so."""
        if value is None:
            return UNKNOWN
        if 0 < value < 0.005:
            return f"<{NO_BREAK}1{NO_BREAK}%"
        return self.with_unit(value * 100, "%", 0, about)

    def duration(self, s: float | None) -> str:
        if s is None:
            return UNKNOWN
        if 0 < s < 60:
            return f"{round(s)}{NO_BREAK}s"
        hours, minutes = divmod(round(s / 60), 60)
        hour = "Std." if self.language == "de" else "h"
        parts = [f"{self.number(hours)}{NO_BREAK}{hour}"] * bool(hours) + [f"{minutes}{NO_BREAK}min"] * (minutes > 0 or not hours)
        return " ".join(parts)

    def economy(self, l_100km: float | None, about: bool = False) -> str:
        """In the owner's unit."""
        return self.with_unit(self.in_economy(l_100km), ECONOMY_UNITS[self.economy_unit], 1, about)

    def economy_number(self, l_100km: float | None, about: bool = False) -> str:
        return self.number(self.in_economy(l_100km), 1, about)

    def energy_number(self, kwh_100km: float | None, about: bool = False) -> str:
        return self.number(kwh_100km, 1, about)

    def in_economy(self, l_100km: float | None) -> float | None:
        return None if l_100km is None else in_unit(l_100km, self.economy_unit)

    def energy(self, kwh_100km: float | None, about: bool = False) -> str:
        return self.with_unit(kwh_100km, ENERGY_UNIT, 1, about)

    def day(self, day: str | None) -> str:
        """ "2026-10-03" as 3 October, without the year."""
        if day is None:
            return UNKNOWN
        at = date.fromisoformat(day)
        dot = "." if self.language == "de" else ""
        return f"{at.day}{dot}{NO_BREAK}{MONTHS[self.language][at.month - 1]}"

    def day_and_year(self, day: str | None) -> str:
        return UNKNOWN if day is None else f"{self.day(day)}{NO_BREAK}{day[:4]}"

    def month(self, month: str) -> str:
        """ "2026-10" as October 2026."""
        return f"{self.month_name(month)}{NO_BREAK}{month[:4]}"

    def month_name(self, month: str) -> str:
        return MONTHS[self.language][int(month[5:]) - 1]

    def month_short(self, month: str) -> str:
        return self.month_name(month)[:3]
