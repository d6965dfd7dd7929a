"""The parts of a document on the car: totals, health, what is due, recalls, use, milestones, gaps, what it said."""

from __future__ import annotations

from collections.abc import Iterator

from agent.dtc import LAMP
from agent.household import UNIT_M
from agent.report.amounts import Amounts
from agent.report.blocks import Chart, Part, Section, Table
from agent.report.phrases import PHRASES, phrase, words_in
from agent.report.report import Best, Catalogue, Due, Gaps, Line, Notices, Relationship, Report
from agent.report.use import Use
from agent.words import Unknown, explained, plain

LAMP_LINES = {"fault set": "lamp on", "fault cleared": "lamp off"}
TOLD_RANGE_M = 300_000.0  # the range that a sentence tells: what a battery car of the day has in winter


def car_sections(report: Report, say: Amounts) -> Iterator[Section]:
    word = words_in(say.language)
    yield Section(word("car"), list(_totals(report, say)))
    yield Section(word("health"), list(_health(report, say)))
    yield Section(word("due"), [_due(report.due, say)] if report.due else [word("no items")])
    yield Section(word("notices"), list(_notices(report.notices, say)))
    marks = [*(_line(line, say) for line in report.milestones), *_bests(report.bests, say)]
    if marks:
        yield Section(word("milestones"), list(marks))
    if report.use is not None and report.use.trips:
        yield Section(word("use"), list(_use(report.use, report.use_share, say)))


def closing_sections(report: Report, say: Amounts) -> Iterator[Section]:
    word = words_in(say.language)
    if report.corrections:
        yield Section(word("corrections"), list(_corrections(report, say)))
    yield Section(word("gaps"), list(_gaps(report.gaps, say)) or [word("gap none")])
    yield Section(word("prompts"), [_line(line, say) for line in report.prompts] or [word("no prompts")])
    if report.relationship is not None:
        yield Section(word("ledger"), list(ledger(report.relationship, say)))


def _totals(report: Report, say: Amounts) -> Iterator[str]:
    word = words_in(say.language)
    car = report.car
    parts = [say.length(car.distance_m)]
    if car.fuel_l is not None:
        parts.append(say.with_unit(car.fuel_l, "l", 1, "fuel_l" in car.estimated))
    if car.energy_kwh is not None:
        parts.append(say.with_unit(car.energy_kwh, "kWh", 1, "energy_kwh" in car.estimated))
    yield word("car total", parts=", ".join(parts))
    if car.unknown_m and not report.is_of_unknown:
        yield word("car unknown", distance=say.length(car.unknown_m))


def _health(report: Report, say: Amounts) -> Iterator[Part]:
    word = words_in(say.language)
    yield from [_line(line, say) for line in report.health] or [word("nothing happened")]
    rows = []
    for check in report.checks:
        result = word("checked on", day=say.day(check.day)) if check.day else word("checked")
        rows.append([word(check.what), result if check.is_checked else word("not checked")])
    yield Table(word("checks"), [word("check"), word("result")], rows)
    yield word("checks note")


def _due(due: list[Due], say: Amounts) -> Table:
    word = words_in(say.language)
    return Table(word("due caption"), [word("item"), word("left"), word("likely")], [_due_row(each, say) for each in due])


def _due_row(due: Due, say: Amounts) -> list[str]:
    word = words_in(say.language)
    left = say.length(due.left_m)
    if due.left_m is not None and due.left_m < 0:
        left = word("overdue", distance=say.length(-due.left_m))
    when = say.day_and_year(due.likely_day)
    if due.early_day and due.late_day and due.early_day != due.late_day:
        when = word("between", early=say.day_and_year(due.early_day), late=say.day_and_year(due.late_day))
    return [due.item, left, word("due now") if due.is_due else when]


def _notices(notices: Notices, say: Amounts) -> Iterator[str]:
    word = words_in(say.language)
    for each in notices.notices:
        key = f"state {each.state}"
        yield word("notice", title=_clean(each.title, each.id), state=word(key) if key in PHRASES else each.state)
    for catalogue in notices.catalogues:
        yield _catalogue(catalogue, say)
    if not notices.catalogues and notices.age_days is None:
        yield word("no catalogue")
        return
    if not notices.catalogues and notices.age_days is not None:  # a report of before each source had its own
        yield word("catalogue age", age=word("days", notices.age_days, n=say.number(notices.age_days)))
    yield word("no news")


def _catalogue(catalogue: Catalogue, say: Amounts) -> str:
    word = words_in(say.language)
    values = {"source": _clean(catalogue.source, word("unnamed source")), "day": say.day_and_year(catalogue.made_day)}
    if catalogue.age_days is None:
        return word("catalogue of a day", **values)
    return word("catalogue", age=word("days", catalogue.age_days, n=say.number(catalogue.age_days)), **values)


def _clean(text: str, otherwise: str) -> str:
    """What comes from outside: one clean line of it, or what stands for it where there is none."""
    try:
        return plain(text)
    except Unknown:
        return otherwise


def _line(line: Line, say: Amounts) -> str:
    """One line of what happened or was said."""
    word = words_in(say.language)
    values = {"day": say.day(line.day) if line.day else word("some day"), "what": line.what}
    if line.kind == "milestone":
        unit = line.state if line.state in UNIT_M else say.counts
        mark = say.with_unit(float(line.what), unit) if line.what.isdigit() else line.what
        return word("milestone about" if line.about else "milestone", mark=mark, **values)
    if line.kind == "prompt":
        return word("prompt", title=line.title, state=word(line.state) if line.state in PHRASES else "", **values)
    if line.kind in LAMP_LINES and line.what == LAMP:
        return word(LAMP_LINES[line.kind], times=_times(line, say), **values)
    title = explained(line.title, say.language) if line.kind.startswith("fault") else line.title
    values |= {"times": _times(line, say), "reading": say.length(line.reading_m)}
    return word(line.kind, title=f": {title}" if title else "", **values)


def _times(line: Line, say: Amounts) -> str:
    return phrase("times", say.language, n=say.number(line.times)) if line.times > 1 else ""


def _bests(bests: list[Best], say: Amounts) -> Iterator[str]:
    word = words_in(say.language)
    if any(each.what == "first month" for each in bests):
        yield word("first month")
        return
    texts = {"lowest fuel": say.economy, "lowest energy": say.energy}
    parts = [word(each.what, value=texts.get(each.what, say.length)(each.value)) for each in bests]
    if parts:
        yield word("best", n=say.number(max(each.months for each in bests)), parts=", ".join(parts))


def _use(use: Use, share: float | None, say: Amounts) -> Iterator[Part]:
    word = words_in(say.language)
    days = word("of days", use.days, n=say.number(use.days))
    known = use.year_m is not None
    yield word("use year", days=days, distance=say.about_length(use.year_m or 0.0)) if known else word("use short", days=days)
    if share is not None and share < 0.995:
        yield word("use rests", share=say.share(share))
    if use.trip_lengths is not None and use.day_lengths is not None:
        trip_m, day = use.trip_lengths.median_m, use.day_lengths
        yield word("use lengths", trip=say.length(trip_m, 1), day=say.length(day.most_m), longest=say.length(day.longest_m))
    if use.urban_share is not None:
        shares = {"urban": use.urban_share, "rural": use.rural_share, "motorway": use.motorway_share, "doubt": use.doubt_share}
        yield word("use roads", **{name: say.share(value) for name, value in shares.items()})
    if use.covered:
        yield coverage(use, say)


def coverage(use: Use, say: Amounts) -> Chart:
    word = words_in(say.language)
    ranges, texts = [say.length(c.range_m) for c in use.covered], [say.share(c.days_share) for c in use.covered]
    told = next(n for n, c in enumerate(use.covered) if c.range_m >= TOLD_RANGE_M)
    return Chart(
        kind="line",
        title=word("cover percent", counts=say.counts),
        alt=word("cover alt", range=ranges[told], share=texts[told]),
        labels=[say.number(say.in_counts(c.range_m)) if n % 2 else "" for n, c in enumerate(use.covered)],
        values=[c.days_share * 100 for c in use.covered],
        texts=texts,
        table=Table(word("cover"), [word("range"), word("share")], [list(row) for row in zip(ranges, texts, strict=True)]),
        mark=told,
        most=100.0,
    )


def _corrections(report: Report, say: Amounts) -> Iterator[str]:
    word = words_in(say.language)
    for each in report.corrections:
        trip = word("a trip") if each.distance_m is None else word("a trip of", distance=say.length(each.distance_m, 1))
        yield word(each.change, month=say.month(each.month), trip=trip)


def _gaps(gaps: Gaps, say: Amounts) -> Iterator[str]:
    word = words_in(say.language)
    if gaps.unaccounted_m:
        yield word("gap unaccounted", distance=say.length(gaps.unaccounted_m, 1))
    if gaps.undated_trips:
        trips = word("gap undated", gaps.undated_trips, n=say.number(gaps.undated_trips))
        yield word("gap undated of", trips=trips, distance=say.length(gaps.undated_m, 1))
    if gaps.unsure_trips:
        yield word("gap unsure", gaps.unsure_trips, n=say.number(gaps.unsure_trips))
    if gaps.unobserved_share:
        yield word("gap unobserved", share=say.share(gaps.unobserved_share))
    if gaps.unreadable_trips:
        yield word("gap unreadable", gaps.unreadable_trips, n=say.number(gaps.unreadable_trips))
    if gaps.facts_left_out:
        yield word("gap facts", gaps.facts_left_out, n=say.number(gaps.facts_left_out))


def ledger(found: Relationship, say: Amounts) -> Iterator[Part]:
    """Also what `keyoff relationship` shows."""
    word = words_in(say.language)
    months = word("months", found.months, n=say.number(found.months))
    yield word("ledger since", months=months, day=say.day_and_year(found.first_day), distance=say.length(found.distance_m))
    counts = {
        "reports": found.reports,
        "services told": found.services_told,
        "services before": found.services_before_beep,
        "recalls": found.recalls,
        "milestones passed": found.milestones,
        "prompts sent": found.prompts_sent,
        "prompts wrong": found.prompts_wrong,
    }
    yield Table(word("ledger caption"), [word("what"), word("how many")], [[word(k), say.number(n)] for k, n in counts.items()])
