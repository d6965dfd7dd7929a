"""A moment in UTC nanoseconds ⇄ the day, hour and month somewhere. Pure: the zone is an argument. A month is "2026-10"."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from agent.model import NS

DAY_NS = 86_400 * NS
MINUTE_NS = 60 * NS


def local(utc_ns: int, zone: tzinfo) -> datetime:
    """The local time, whole seconds."""
    return datetime.fromtimestamp(utc_ns // NS, UTC).astimezone(zone)


def day_of(utc_ns: int, zone: tzinfo) -> str:
    """The local day, as "2026-11-22"."""
    return local(utc_ns, zone).date().isoformat()


def minute_of(utc_ns: int, zone: tzinfo) -> int:
    """Minutes since local midnight, by the clock on the wall."""
    now = local(utc_ns, zone)
    return now.hour * 60 + now.minute


def at_ns(day: date, at: time, zone: tzinfo) -> int:
    """That time of that day in UTC ns; where clocks go forward over it, as much later."""
    return int(datetime.combine(day, at, zone).timestamp()) * NS


def next_time_ns(utc_ns: int, at: time, zone: tzinfo) -> int:
    """The first moment not before `utc_ns` at which clocks in `zone` show `at`."""
    today = local(utc_ns, zone).date()
    days = (at_ns(today + timedelta(days=n), each, zone) for n in range(3) for each in (at, at.replace(fold=1)))
    return next(ns for ns in days if ns >= utc_ns and minute_of(ns, zone) >= at.hour * 60 + at.minute)


def quiet_until_ns(utc_ns: int, quiet_from: str, quiet_to: str, zone: tzinfo) -> int | None:
    """The end of the quiet hours that `utc_ns` lies in; None when it lies in none. Equal times: none at all."""
    start, end = time.fromisoformat(quiet_from), time.fromisoformat(quiet_to)
    now = local(utc_ns, zone).time()
    inside = start <= now < end if start <= end else now >= start or now < end
    return next_time_ns(utc_ns, end, zone) if inside else None


# -- months --------------------------------------------------------------------------------------


def month_of(utc_ns: int, zone: tzinfo) -> str:
    """The local month."""
    return f"{local(utc_ns, zone):%Y-%m}"


def months_back(month: str, n: int) -> str:
    """The month `n` before."""
    year, number = map(int, month.split("-"))
    at = year * 12 + number - 1 - n
    return f"{at // 12:04}-{at % 12 + 1:02}"


def month_start_ns(month: str, zone: tzinfo) -> int:
    """Its first moment, in UTC ns."""
    return at_ns(date.fromisoformat(f"{month}-01"), time(), zone)


def month_end_ns(month: str, zone: tzinfo) -> int:
    """The first moment after it, in UTC ns."""
    return month_start_ns(months_back(month, -1), zone)


def days_of(month: str) -> int:
    """How many days it has."""
    first, after = (date.fromisoformat(f"{each}-01") for each in (month, months_back(month, -1)))
    return (after - first).days


def after_months(day: date, months: int) -> date:
    """The same day of a later month, or its last one where that is shorter."""
    month = months_back(f"{day:%Y-%m}", -months)
    return date.fromisoformat(f"{month}-{min(day.day, days_of(month)):02}")
