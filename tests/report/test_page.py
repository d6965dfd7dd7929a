"""The page and the text: small, self-contained, readable by eye and ear, and never with an empty slot."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.dtc import LAMP, LAMP_WORDS, describe
from agent.household import AS_OWNER, OWNER, Driver, Language
from agent.report import phrases
from agent.report.document import document
from agent.report.facts import Fact, Kind
from agent.report.page import MAX_BYTES, STYLE, page
from agent.report.phrases import PHRASES
from agent.report.plain import plain
from agent.report.report import Catalogue, Due, Notice, Notices, Relationship, Report
from agent.tally import Sums
from agent.words import LANGUAGES
from tests.report.months import ANA, BEN, CLEO, DAN, material, month_of_trips, report_of, trip
from tests.report.months import OWNER as OWNER_CONFIG

VOID = {"meta"}
LEDGER = Relationship(
    months=14,
    first_day="2025-09-03",
    distance_m=1e7,
    reports=14,
    services_told=2,
    services_before_beep=1,
    recalls=1,
    milestones=1,
    prompts_sent=9,
    prompts_wrong=1,
)


def full(language: Any = "en", economy: Any = "l/100km", counts: Any = "km", driver: Driver = ANA) -> Report:
    """A report in which every section has something to tell."""
    rows = [row for month in ("2025-10", "2026-07", "2026-08", "2026-09", "2026-10") for row in month_of_trips(month=month, n=20)]
    rows += [trip("2026-10-22", distance_m=400_000.0, fuel_l=None), *month_of_trips("ben"), *month_of_trips("unknown", n=1)]
    facts: list[tuple[Fact, str | None]] = [
        (Fact(kind=kind, what="100000", reading_m=1e8, times=2), "2026-10-14")
        for kind in get_args(Kind)
        if kind not in ("prompt", "attributed", "service reopened")
    ]
    facts += [(Fact(kind="prompt", what="p", title="A <b>title</b>", driver="ana", state="wrong"), None)]
    facts += [(Fact(kind="service reopened", what="oil & filter"), None)]
    found = material(
        rows,
        [msgspec.structs.replace(driver, language=language, counts=counts), BEN],
        facts=facts,
        facts_left_out=3,
        attributed=[(Fact(kind="attributed", what="t", driver="ana", before="unknown"), "2026-09", 12_000.0)],
        unaccounted_m=1_000.0,
        undated_trips=2,
        undated_m=500.0,
        unreadable_trips=1,
        unsure=frozenset({"2026-10-01 ana"}),
        checks={"trouble codes": "2026-10-30", "odometer": None},
        due=[
            Due(item="oil <change>", left_m=-1_000.0, is_due=True),
            Due(item="tyres", left_m=1e6, likely_day="2026-12-01", early_day="2026-11-20", late_day="2026-12-20"),
            Due(item="belt"),
        ],
        notices=Notices(
            3,
            [Notice(id="n", title="Recall 1", state="applies"), Notice(id="m", title="Recall 2", state="booked")],
            [Catalogue("an <authority>", "2026-10-29", 3), Catalogue("the maker", "2026-10-01")],
        ),
        relationship=LEDGER,
        owner=msgspec.structs.replace(OWNER_CONFIG, economy=economy),
    )
    return report_of(found, "ana")


class Reader(HTMLParser):
    """What a page is made of; every tag has to be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & {*self.open}:
            self.words.append(data)

    def count(self, tag: str) -> int:
        return sum(each == tag for each, _ in self.tags)


SAYS_NOTHING = re.compile(r"\b(None|nan|NaN|inf|null|undefined|TODO)\b|[{}]|!")


def is_clean(text: str) -> bool:
    return not SAYS_NOTHING.search(text)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("economy", ["l/100km", "mpg_us"])
def test_it_is_one_small_file_with_nothing_from_elsewhere(language: str, economy: str) -> None:
    text = page(full(language, economy, "mi" if economy == "mpg_us" else "km"))
    assert len(text.encode()) <= MAX_BYTES
    assert not re.search(r"https?:|<script|<link|<img|@import|url\(|src=", text)
    read = Reader(text)
    assert dict(read.tags)["html"] == {"lang": language}
    assert is_clean("".join(read.words)), SAYS_NOTHING.search("".join(read.words))
    assert "<b>" not in text and "oil &lt;change&gt;" in text


def test_it_can_be_heard() -> None:
    read = Reader(page(full()))
    headings = [tag for tag, _ in read.tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == "h1" and set(headings[1:]) == {"h2"}
    assert read.count("svg") == 4
    assert all(a["role"] == "img" and a["aria-label"] for tag, a in read.tags if tag == "svg")
    assert read.count("table") == read.count("caption") >= 8
    assert read.count("figure") == read.count("details") == 4, "each chart has its numbers beside it"
    assert all(a.get("scope") in ("col", "row") for tag, a in read.tags if tag == "th")
    ids = {a["id"] for _, a in read.tags if "id" in a}
    assert {a["aria-labelledby"] for _, a in read.tags if "aria-labelledby" in a} == ids


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize(("economy", "counts"), [("l/100km", "km"), ("mpg_us", "mi"), ("km/l", "km")])
def test_no_number_is_parted_from_its_unit_and_no_day_from_its_month(language: Language, economy: str, counts: str) -> None:
    months = "|".join(LANGUAGES[language].MONTHS)
    units = r"km|mi|mph|mpg|l|kWh|%|V|h|Std\.|min|s|m²|days?|Tage?n?|months?|Monate?n?|times"
    parted = re.compile(rf"(?:\d (?:{units})|\d\.? (?:{months}))(?!\w)|mpg \(")
    for words in Reader(page(full(language, economy, counts))).words:
        assert not parted.search(words), words


def test_a_trouble_code_is_explained_in_the_readers_language() -> None:
    told = [
        (Fact(kind="fault set", what="P0301", title=describe("P0301").words), "2026-10-14"),
        (Fact(kind="fault set", what="P0420", title="words of a later version"), "2026-10-15"),
        (Fact(kind="fault set", what=LAMP, title=LAMP_WORDS, times=2), "2026-10-16"),
        (Fact(kind="fault cleared", what=LAMP), "2026-10-17"),
    ]
    english, german = (
        " ".join(plain(document(report_of(material(month_of_trips(), [each], facts=told), "ana"))).split())
        for each in (ANA, msgspec.structs.replace(ANA, language="de"))
    )
    assert "14 October: trouble code P0301: the engine misfires in cylinder 1:" in english
    assert "14. Oktober: Fehlercode P0301: der Motor hat Zündaussetzer in Zylinder 1:" in german
    assert "15. Oktober: Fehlercode P0420. 16. Oktober: Die Motorlampe ging an (2-mal)." in german
    assert "17 October: the engine lamp is off again." in english
    assert LAMP not in english + german


def test_a_notices_title_is_one_clean_line() -> None:
    told = [
        Notice(id="n-1", title="A\u202e plug\nmay " + "corrode " * 900, state="applies"),
        Notice(id="n-2", title="!", state="booked"),
    ]
    text = page(report_of(material(month_of_trips(), [ANA], notices=Notices(1, told)), "ana"))
    assert "<p>A plug may corrode" in text and "\u202e" not in text and text.count("corrode") < 30
    assert "<p>n-2 (booked)</p>" in text


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "en",
            [
                "Last catalogue of the maker: made on 20 October 2026, 12 days old.",
                "Last catalogue of an authority: made on 1 March 2026.",
                "Last catalogue of an unnamed source: made on 1 January 2026, 1 day old.",
                "No news is not the same as no recalls.",
            ],
        ),
        (
            "de",
            [
                "Letztes Verzeichnis von the maker: vom 20. Oktober 2026, 12 Tage alt.",
                "Letztes Verzeichnis von an authority: vom 1. März 2026.",
                "Letztes Verzeichnis von einer ungenannten Quelle: vom 1. Januar 2026, 1 Tag alt.",
                "Keine Nachricht heißt nicht, dass es keine Rückrufe gibt.",
            ],
        ),
    ],
)
def test_each_source_of_notices_has_its_own_age(language: Language, wanted: list[str]) -> None:
    made = [
        Catalogue("the maker", "2026-10-20", 12),
        Catalogue("an authority!", "2026-03-01"),
        Catalogue("", "2026-01-01", 1),
    ]
    reader = msgspec.structs.replace(ANA, language=language)
    report = report_of(material(month_of_trips(), [reader], notices=Notices(12, [], made)), "ana")
    for text in (page(report), plain(document(report))):
        words = " ".join(text.replace("\u00a0", " ").split())
        assert [each for each in wanted if each not in words] == []


def test_a_report_of_before_says_how_old_the_newest_catalogue_was() -> None:
    text = page(report_of(material(month_of_trips(), [ANA], notices=Notices(1)), "ana"))
    assert "The newest catalogue is 1\u00a0day old." in text and "No catalogue of recalls" not in text


def test_it_is_for_phone_paper_and_dark() -> None:
    text = page(full())
    assert '<meta name="viewport" content="width=device-width,initial-scale=1">' in text
    for wanted in ("@media print", "prefers-color-scheme:dark", "default-src 'none'"):
        assert wanted in text


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("kind", range(3))
def test_it_can_be_read_by_weak_eyes_by_day_by_night_and_on_paper(kind: int) -> None:
    palette = {
        name: value if len(value) == 7 else "#" + "".join(c * 2 for c in value[1:])
        for name, value in re.findall(r"--(\w+):(#[0-9a-f]{3,6})\b", re.findall(r":root{([^}]*)}", STYLE)[kind])
    }
    for paper in ("paper", "card"):
        for name, least in (("ink", 7.0), ("soft", 4.5), ("mark", 4.5), ("pale", 3.0)):
            bright, dark = sorted((luminance(palette[name]), luminance(palette[paper])), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= least, (name, paper)


def test_the_text_tells_the_same() -> None:
    text = plain(document(full()))
    assert is_clean(text)
    for wanted in (
        "Report for October 2026",
        "made automatically from its own signals on 1 November 2026",
        "14 October: 100,000 km on the odometer.",
        "overdue by 1 km",
        "20 November 2026 to 20 December 2026",
        "No news is not the same as no recalls.",
        "1.0 km were counted by the car and seen by nobody",
        "On a day not known: A <b>title</b> (marked as wrong)",
        "September 2026: a trip of 12.0 km is now counted as yours.",
        "Of the last 5 months: the longest trip (400 km), the longest day (400 km).",
        "14 months together, since 3 September 2025, over 10,000 km.",
    ):
        assert wanted in text


def test_a_month_that_is_not_over_says_so() -> None:
    early = msgspec.structs.replace(full(), made_day="2026-10-31")
    assert "on 31 October 2026, before the month was over." in " ".join(plain(document(early)).split())
    assert "before the month was over" not in plain(document(full()))


def test_no_two_empty_lines_follow_each_other() -> None:
    assert "\n\n\n" not in plain(document(full()))


def test_german_counts_with_a_comma() -> None:
    text = plain(document(full("de")))
    assert "Bericht für Oktober 2026" in text
    assert "100.000 km auf dem Kilometerzähler" in text
    assert re.search(r"Verbrauch, l/100 km +6,0", text)


def test_miles_and_gallons() -> None:
    text = plain(document(full(economy="mpg_uk", counts="mi")))
    assert re.search(r"Fuel economy, mpg \(UK\) +47\.1", text)
    assert "Above the household's 81 mph" in text


def test_a_month_of_which_nothing_is_known_says_so() -> None:
    bare = msgspec.structs.replace(trip(driver="unknown"), sums=Sums())
    text = plain(document(report_of(material([bare], [], made_day=None, first_day=None), OWNER)))
    assert is_clean(text)
    assert "nothing is known of any. That is not the same as none." in " ".join(text.split())
    assert "Distance" not in text.partition("The car\n")[0], "unknown is absent"
    assert "No service item is set up" in text


def test_who_did_not_drive_reads_so() -> None:
    text = plain(document(report_of(material(month_of_trips("ben"), [ANA, BEN]), "ana")))
    assert "No trip in October 2026." in text


def test_every_phrase_is_there_in_both_languages_and_used() -> None:
    slots = re.compile(r"{(\w+)}")
    for key, (english, german) in PHRASES.items():
        assert set(slots.findall(english)) == set(slots.findall(german)), key
        assert english.count("|") == german.count("|"), key
        assert is_clean(slots.sub("", english + german)), key


def test_a_count_chooses_the_word() -> None:
    said = [phrases.phrase("days", "en", n, n=str(n)) for n in (0, 1, 2)]
    assert said == ["0\xa0days", "1\xa0day", "2\xa0days"]


NUMBERS = st.floats(0, 1e9, allow_nan=False)
NAMES = ("distance_m", "duration_s", "fuel_l", "energy_kwh", "engine_s", "idle_s", "night_s", "over_speed_s", "unobserved_s")


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 31), st.dictionaries(st.sampled_from(NAMES), NUMBERS)), max_size=5),
    st.sampled_from(["en", "de"]),
    st.sampled_from(["l/100km", "km/l", "mpg_us"]),
)
def test_whatever_is_known_no_slot_is_empty(days: list[tuple[int, dict[str, float]]], language: Any, economy: Any) -> None:
    rows = [msgspec.structs.replace(trip(f"2026-10-{day:02}"), sums=Sums(dict(known))) for day, known in days]
    owner = msgspec.structs.replace(OWNER_CONFIG, economy=economy)
    reader = msgspec.structs.replace(ANA, language=language)
    found = material(rows, [reader], owner=owner, facts=[(Fact(kind="battery weak", what="12 V"), None)])
    report = report_of(found, "ana")
    assert is_clean(plain(document(report)))
    assert is_clean("".join(Reader(page(report)).words))


def test_the_owner_without_a_profile_reads_english() -> None:
    assert AS_OWNER.language == "en"
    assert "Nobody has a profile yet" in page(report_of(material(month_of_trips("unknown"), []), OWNER))


def test_a_mean_that_rests_on_somebodys_estimate_says_so() -> None:
    rows = [row for id in ("ana", "ben", "cleo", "dan") for row in month_of_trips(id)]
    about = [trip(row.day, "ben", estimated=["harsh_brakes"]) if row.driver == "ben" else row for row in rows]
    drivers = [ANA, BEN, CLEO, DAN, Driver("eve", consents=("report",))]
    sure, unsure = (plain(document(report_of(material(each, drivers), "ana"))) for each in (rows, about))
    assert "Mean of the others" in sure and "~" not in sure
    (line,) = [each for each in unsure.splitlines() if each.startswith("Harsh") and "~" in each]
    assert line.split()[-2:] == ["5.0", "~5.0"]
    assert "~ marks an estimate." in unsure
