"""The parts of a document on how one person drove: figures, comparisons, charts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from agent.household import NO_BREAK, UNIT_M
from agent.report.amounts import ECONOMY_UNITS, ENERGY_UNIT, Amounts
from agent.report.blocks import Chart, Figure, Part, Section, Table
from agent.report.compare import Others
from agent.report.driving import COLD_SHORT_M, Driving
from agent.report.phrases import phrase, words_in
from agent.report.report import Report
from agent.report.rows import detailed_months

BANDS = ("0", "0-30", "30-50", "50-70", "70-90", "90-110", "110-130", "130-")
LABELLED = 7  # months that a phone has room to name
EVERY_DAYS = 5  # a label under every fifth column: a phone has room for no more


class Measure(NamedTuple):
    """A row of the comparisons: its label, the field of Driving it stands for, how it is read."""

    label: str
    field: str
    text: Callable[[Driving], str]
    of_value: Callable[[float, bool], str] | None = None  # of a ratio alone, and whether it is an estimate: a mean has no Driving
    unit: str = ""  # the label tells it in a table: a phone's columns are narrow


def measures(say: Amounts, limit_kmh: float) -> list[Measure]:
    word = words_in(say.language)

    def ratio(label: str, field: str, of_value: Callable[[float | None, bool], str], unit: str = "") -> Measure:
        def text(d: Driving) -> str:
            return of_value(getattr(d, field), field in d.estimated)

        return Measure(label, field, text, of_value, unit)

    limit, short = say.speed(limit_kmh), say.length(COLD_SHORT_M)
    return [
        Measure(word("distance"), "distance_m", lambda d: say.length(d.distance_m)),
        Measure(word("trips"), "trips", lambda d: say.number(d.trips)),
        Measure(word("time"), "duration_s", lambda d: say.duration(d.duration_s)),
        ratio(economy_label(say), "fuel_l_100km", say.economy_number, ECONOMY_UNITS[say.economy_unit]),
        ratio(word("energy economy"), "energy_kwh_100km", say.energy_number, ENERGY_UNIT),
        ratio(word("harsh", counts=say.counts), "harsh_100km", say.per_hundred),
        ratio(word("idling"), "idle_share", say.share),
        Measure(word("cold short", short=short), "cold_short_trips", lambda d: cold(say, d)),
        ratio(word("night"), "night_share", say.share),
        ratio(word("over", limit=limit), "over_speed_share", say.share),
    ]


def row_label(measure: Measure) -> str:
    return f"{measure.label}, {measure.unit}" if measure.unit else measure.label


def economy_label(say: Amounts) -> str:
    return phrase("fuel economy" if say.economy_unit == "l/100km" else "fuel distance", say.language)


def cold(say: Amounts, d: Driving) -> str:
    if d.cold_short_trips is None:
        return say.number(None)
    return phrase("cold of", say.language, n=say.number(d.cold_short_trips), of=say.number(d.cold_known_trips))


def figures(report: Report, say: Amounts) -> list[Figure]:
    """Distance, trips, time and economy, with the month before and the year before where they are known."""
    wanted = ("distance_m", "trips", "duration_s", "fuel_l_100km", "energy_kwh_100km")
    _, before, year_ago = detailed_months(report.month)
    out = []
    for measure in measures(say, report.limit_kmh):
        if measure.field in wanted and getattr(report.now, measure.field) is not None:
            earlier = ((before, report.before), (year_ago, report.year_ago))
            notes = [
                phrase("against", say.language, value=measure.text(driving), month=say.month(name))
                for name, driving in earlier
                if driving is not None and getattr(driving, measure.field) is not None
            ]
            unit = f"{NO_BREAK}{measure.unit}" if measure.unit else ""
            out.append(Figure(measure.label, measure.text(report.now) + unit, notes))
    return out


def driving_sections(report: Report, say: Amounts) -> Iterator[Section]:
    word = words_in(say.language)
    parts: list[Part] = [word("unknown note")] if report.is_of_unknown else []
    if not report.now.trips and not report.now.short_moves:
        parts.append(word("no trip", month=say.month(report.month)))
    else:
        parts += [*_compared(report, say), *_notes(report.now, say, report.limit_kmh), *_charts(report, say)]
        parts += [dynamics(report.now, say)] if report.now.dynamics else []
    if report.seen_by:
        parts.append(word("seen by", who=", ".join(report.seen_by)))
    yield Section(word("driving unknown" if report.is_of_unknown else "driving"), parts)
    if report.others is not None:
        yield Section(word("others"), list(_others(report.others, report, say)))
    for ward in report.wards:
        rows = [[row_label(m), m.text(ward.now)] for m in measures(say, report.limit_kmh) if _is_known(m, ward.now)]
        note = word("ward note", who=ward.driver)
        table = Table(word("ward", who=ward.driver), [word("measure"), say.month(report.month)], rows)
        yield Section(word("ward", who=ward.driver), [note, table])


def _is_known(measure: Measure, *months: Driving | None) -> bool:
    return any(d is not None and getattr(d, measure.field) is not None for d in months)


def _compared(report: Report, say: Amounts) -> Iterator[Part]:
    word = words_in(say.language)
    _, before, year_ago = detailed_months(report.month)
    columns = [(report.month, report.now)]
    columns += [(name, d) for name, d in ((before, report.before), (year_ago, report.year_ago)) if d is not None]
    rows = [
        [row_label(measure), *(measure.text(d) for _, d in columns)]
        for measure in measures(say, report.limit_kmh)
        if _is_known(measure, *(d for _, d in columns))
    ]
    yield Table(word("compared"), [word("measure"), *(say.month(name) for name, _ in columns)], rows)
    if len(columns) == 1:
        yield word("nothing earlier")


def _notes(now: Driving, say: Amounts, limit_kmh: float) -> Iterator[str]:
    if now.estimated:
        yield phrase("estimate note", say.language)
    for measure in measures(say, limit_kmh):
        if measure.field in now.covers:
            yield phrase("covers note", say.language, what=measure.label, share=say.share(now.covers[measure.field]))


def _charts(report: Report, say: Amounts) -> Iterator[Chart]:
    if any(report.days_m):
        yield per_day(report, say)
    for field in ("fuel_l_100km", "energy_kwh_100km"):
        if sum(getattr(each, field) is not None for each in report.year) > 1:
            yield per_month(report, say, field)
    if report.now.band_shares:
        yield bands(report.now, say)


def per_day(report: Report, say: Amounts) -> Chart:
    word = words_in(say.language)
    texts = [say.length(m) for m in report.days_m]
    days = [str(n) for n in range(1, len(texts) + 1)]
    driven = [[f"{report.month}-{n:02}", text] for n, (m, text) in enumerate(zip(report.days_m, texts, strict=True), 1) if m]
    return Chart(
        kind="columns",
        title=f"{word('per day')}, {say.counts}",
        alt=word("per day alt", month=say.month(report.month), most=say.length(max(report.days_m))),
        labels=[day if n % EVERY_DAYS == 0 or n == 1 else "" for n, day in enumerate(days, 1)],
        values=[say.in_counts(m) for m in report.days_m],
        texts=texts,
        table=Table(word("per day"), [word("day"), word("distance")], [[say.day(day), text] for day, text in driven]),
    )


def per_month(report: Report, say: Amounts, field: str) -> Chart:
    word = words_in(say.language)
    is_fuel = field == "fuel_l_100km"
    known = [getattr(each, field) for each in report.year]
    texts = [say.economy(value) if is_fuel else say.energy(value) for value in known]
    last = len(texts) - 1
    every = 1 if len(texts) <= LABELLED else 2  # back from the last
    months = [say.month(each.month) for each in report.year]
    label = economy_label(say) if is_fuel else word("energy economy")
    title = word("per month" if say.economy_unit == "l/100km" or not is_fuel else "per month economy")
    return Chart(
        kind="columns",
        title=f"{title}, {ECONOMY_UNITS[say.economy_unit] if is_fuel else ENERGY_UNIT}",
        alt=word("per month alt", month=say.month(report.month), value=texts[-1]),
        labels=["" if (last - n) % every else say.month_short(each.month) for n, each in enumerate(report.year)],
        values=[say.in_economy(value) if is_fuel else value for value in known],
        texts=texts,
        table=Table(title, [word("month"), label], [list(row) for row in zip(months, texts, strict=True)]),
        mark=last,
    )


def bands(now: Driving, say: Amounts) -> Chart:
    word = words_in(say.language)
    known = [(band, now.band_shares[band]) for band in BANDS if now.band_shares.get(band, 0.0) >= 0.005]  # below it reads "<1 %"
    labels, texts = [band_label(say, band) for band, _ in known], [say.share(share) for _, share in known]
    most = max(range(len(known)), key=lambda n: known[n][1])
    return Chart(
        kind="bars",
        title=word("bands"),
        alt=word("bands alt", band=labels[most]),
        labels=labels,
        values=[share * 100 for _, share in known],
        texts=texts,
        table=Table(word("bands"), [word("band"), word("share")], [list(row) for row in zip(labels, texts, strict=True)]),
    )


def band_label(say: Amounts, band: str) -> str:
    low, _, high = band.partition("-")
    if band == "0":
        return phrase("band standing", say.language)
    key = "band above" if not high else "band up to" if low == "0" else "band between"
    high_text = say.speed(float(high)) if high else ""
    low_text = say.speed(float(low)) if not high else say.number(float(low) * 1000 / UNIT_M[say.counts])
    return phrase(key, say.language, low=low_text, high=high_text)


def dynamics(now: Driving, say: Amounts) -> Table:
    word = words_in(say.language)
    known = [(name, now.dynamics[name]) for name in ("urban", "rural", "motorway") if name in now.dynamics]
    rows = [[word(name), say.with_unit(d.va95_m2_s3, "m²/s³", 1), say.with_unit(d.limit_m2_s3, "m²/s³", 1)] for name, d in known]
    return Table(word("dynamics"), [word("class"), word("yours"), word("limit")], rows)


def _others(found: Others, report: Report, say: Amounts) -> Iterator[Part]:
    word = words_in(say.language)
    columns = [(m.driver, m.ratios, m.estimated) for m in found.members]
    columns = columns or [(word("mean column"), found.mean, found.estimated)]
    unknown = say.number(None)
    yield word("others each") if found.members else word("others mean", n=say.number(found.people))
    rows = [
        [
            row_label(m),
            m.text(report.now),
            *(m.of_value(r[m.field], m.field in about) if m.field in r else unknown for _, r, about in columns),
        ]
        for m in measures(say, report.limit_kmh)
        if m.of_value is not None and any(m.field in ratios for _, ratios, _ in columns)
    ]
    yield Table(word("others caption"), [word("measure"), word("own column"), *(name for name, _, _ in columns)], rows)
    if not report.now.estimated and any(about for _, _, about in columns):
        yield word("estimate note")
    labels = {m.field: m.label for m in measures(say, report.limit_kmh)}
    for field, (place, of) in found.places.items():
        yield word("place", measure=labels[field], n=say.number(place), of=say.number(of))
