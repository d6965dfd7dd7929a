"""The published schemas: every event fits its own, and none changes without a new version.

tests/golden/schema/<Kind>/v<version>.json is what was published. `pytest --update-golden` adds new kinds, new versions, new
metrics and new words; it does not change what a version means.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from agent.config import Owner, Service
from agent.daemon import Daemon
from agent.engine import wanted
from agent.events.sequence import SequenceVoided
from agent.events.trip import TripEnded
from agent.io.envelope import make_envelope
from agent.io.store import Batch, Store
from agent.metrics import discover
from agent.model import NS, Event, Wall, derive_id
from agent.records import ENVELOPE_FIELDS, event_row
from agent.schema import COMMAND, Schema, event_schema, leaving, metrics_schema, text
from agent.signals import SPEED
from hil.bench.drives import plan_of, replay
from hil.bench.recordings import driveplotr_drives
from hil.vehicle import HOUSEHOLD, car, play, week
from tests.conftest import ROOT
from tests.sim.entries import name_driver, set_odometer
from tests.sim.records import a_record

GOLDEN = ROOT / "tests" / "golden"
PUBLISHED = GOLDEN / "schema"
KINDS = sorted(leaving())

START_UTC_NS = round(datetime(2026, 10, 26, tzinfo=UTC).timestamp()) * NS  # the week ends with the month: summaries come due
WALL = Wall(START_UTC_NS, "recorded")
CHUNK_NS = 2 * NS
UNHEARD = 4  # the drive of the week at which the unit is unplugged


# -- what was published stays --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_changes_only_with_its_version(kind: str, request: pytest.FixtureRequest) -> None:
    record = leaving()[kind]
    path = PUBLISHED / kind / f"v{record.version}.json"
    published = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    current = event_schema(record)
    verdict = compared(published, current)
    if verdict == "changed":
        pytest.fail(
            f"{kind} is no longer what was published as version {record.version} ({', '.join(differing(published, current))}): "
            f"set version: ClassVar[int] = {record.version + 1} on class {kind} in {record.__module__.replace('.', '/')}.py, "
            f"then run pytest --update-golden; {path.relative_to(ROOT)} stays beside the new one"
        )
    if verdict == "more" and request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(current), encoding="utf-8")
    elif verdict == "more":
        pytest.fail(
            f"{path.relative_to(ROOT)} does not have this kind or version, these metrics or these words yet: "
            "run pytest --update-golden and read what it wrote"
        )


def test_no_version_goes_back_and_no_published_kind_is_gone() -> None:
    folders = [folder for folder in PUBLISHED.iterdir() if folder.name != COMMAND]
    newest = {folder.name: max(int(p.stem[1:]) for p in folder.glob("v*.json")) for folder in folders}
    assert set(newest) <= set(leaving()), "units in the field still send it; if that is meant, delete its folder"
    assert {kind: n for kind, n in newest.items() if leaving()[kind].version < n} == {}


def compared(published: Schema | None, current: Schema) -> Literal["same", "more", "changed"]:
    """more: only in its words and in metrics that were not there before, or altogether new."""
    if published == current:
        return "same"
    return "more" if published is None or not differing(published, current) else "changed"


def differing(published: Any, current: Any, where: str = "") -> list[str]:
    """Where two schemas allow different things; metrics that came later are not looked at."""
    if not (isinstance(published, dict) and isinstance(current, dict)):
        return [] if published == current else [where.lstrip(".")]
    keys = {*published, *current}
    if where == ".$defs.Metrics.properties":
        keys = {*published}
    keys -= {key for key in keys if key == "description" and isinstance(published.get(key, current.get(key)), str)}
    return [each for key in sorted(keys) for each in differing(published.get(key), current.get(key), f"{where}.{key}")]


def change(path: str, value: Any = None) -> Callable[[dict[str, Any]], None]:
    """Put `value` at a slash-separated path, or with None take away what is there."""

    def put(tree: dict[str, Any]) -> None:
        *way, last = path.split("/")
        for step in way:
            tree = tree[step]
        if value is None:
            del tree[last]
        else:
            tree[last] = value

    return put


@pytest.mark.parametrize(
    ("alter", "verdict"),
    [
        (change("description", "Other words."), "more"),
        (change("$defs/Metrics/properties/distance_m/description", "Other words."), "more"),
        (change("$defs/Metrics/properties/hairpins", {"type": "integer"}), "more"),
        (change("$defs/Metrics/properties/distance_m"), "changed"),
        (change("$defs/Metrics/properties/distance_m/type", "string"), "changed"),
        (change("properties/data/properties/stops", {"type": "integer"}), "changed"),
        (change("properties/data/properties/description", {"type": "string"}), "changed"),
        (change("properties/data/properties/pieces"), "changed"),
        (change("properties/data/properties/pieces/type", "number"), "changed"),
        (change("properties/data/properties/pieces/default", 2), "changed"),
        (change("properties/data/properties/kind/enum", ["trip"]), "changed"),
        (change("properties/data/required", ["trip_id"]), "changed"),
        (change("properties/speed", {"type": "string"}), "changed"),
        (change("$defs/Amount/anyOf", []), "changed"),
    ],
)
def test_words_and_metrics_may_be_added_and_nothing_else(alter: Callable[[Schema], None], verdict: str) -> None:
    published = event_schema(TripEnded)
    current = copy.deepcopy(published)
    assert compared(published, current) == "same"
    alter(current)
    assert compared(published, current) == verdict
    assert compared(None, current) == "more"


def test_a_field_more_in_a_record_is_a_change() -> None:
    published = event_schema(leaving()["TripStarted"])

    class TripStarted(Event, frozen=True, kw_only=True, omit_defaults=True):
        """The ignition came on. The far side withholds what it would have said."""

        trip_id: str
        start_utc_ns: int | None = None

    assert compared(published, event_schema(TripStarted)) == "same"

    class Longer(TripStarted, frozen=True, kw_only=True, omit_defaults=True):
        why: str = ""

    assert "properties.data.properties.why" in differing(published, event_schema(Longer))


# -- what is sent fits -----------------------------------------------------------------------------------

FORMATS = FormatChecker(formats=())


def is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


FORMATS.checks("date-time", raises=ValueError)(is_date_time)


VALIDATORS = {
    schema["properties"]["type"]["const"]: [
        dialect(schema, format_checker=FORMATS) for dialect in (Draft202012Validator, Draft7Validator)
    ]
    for schema in map(event_schema, leaving().values())
}


def errors(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event, by both dialects; they agree in how many faults there are."""
    assert event["type"] in VALIDATORS, f"no schema for {event['type']}"
    found = [[f"{e.json_path}: {e.message}" for e in each.iter_errors(event)] for each in VALIDATORS[event["type"]]]
    assert len(found[0]) == len(found[1])
    return [f"{event['type']} {error}" for error in found[0]]


def all_errors(events: list[dict[str, Any]]) -> list[str]:
    assert events
    return [error for event in events for error in errors(event)]


@pytest.mark.parametrize(
    ("log", "vehicle"),
    [
        ("css_164_obd_gps.log.gz", "obd2"),
        ("comma2k19_rav4.log.gz", "toyota_rav4_2017"),
        ("subaru86_hard_brake.log.gz", "subaru_86"),
    ],
)
def test_the_events_of_a_recorded_drive_fit(drives: Path, tmp_path: Path, log: str, vehicle: str) -> None:
    assert all_errors(replay(drives / log, vehicle, tmp_path).envelopes) == []


def test_the_events_of_28_drives_fit(drives: Path, tmp_path: Path) -> None:
    outcome, _ = driveplotr_drives(drives / "driveplotr_28_drives.csv.gz", tmp_path)
    assert all_errors(outcome.envelopes) == []


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_events_of_a_golden_drive_fit(golden: Path) -> None:
    own = {"specversion": "1.0", "source": "urn:keyoff:unit:golden", "datacontenttype": "application/json"}
    place = {"epoch": "e1", "seq": 1, "bootid": "b1"}  # what depends on the database file is not kept there
    assert all_errors([event | own | place for event in json.loads(golden.read_text())["events"]]) == []


def test_the_events_of_a_week_fit(weeks_events: list[dict[str, Any]]) -> None:
    assert all_errors(weeks_events) == []
    assert {e["type"].split(".")[1] for e in weeks_events} >= {
        "DistanceUnaccounted",
        "DriverSummary",
        "HealthReported",
        "MilestoneReached",
        "OdometerRebased",
        "PromptReleased",
        "SequenceVoided",
        "ServiceDue",
        "TripAttributed",
        "TripEnded",
        "TripStarted",
    }


@pytest.fixture(scope="module")
def weeks_events(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """A household's week and the three days after it, through the daemon on a real store, with what seldom happens."""
    setup, plan = plan_of("sim_petrol")
    owner = Owner(timezone=HOUSEHOLD.timezone, tell_at="18:30", over_speed_kmh=125.0)
    setup = setup._replace(owner=owner, services=(Service("oil change", 15_000.0, 84_970.0),))
    store = Store(tmp_path_factory.mktemp("week") / "keyoff.db", setup.unit)
    daemon = Daemon(setup, plan, store, "week")
    drive_the_week(daemon)
    park(daemon, daemon.now_ns + 3 * 86_400 * NS)
    set_odometer(daemon, 250_000_000.0)
    voided = SequenceVoided(
        id=derive_id(setup.unit, "SequenceVoided", "e0"), t_ns=1, boot_id="week", epoch="e0", ranges=[(3, 3), (5, 9)], why="shed"
    )
    store.commit(Batch(events=[event_row(voided, WALL, "week")]))
    events = [json.loads(envelope) for envelope in store.envelopes()]
    store.close()
    return events


def drive_the_week(daemon: Daemon) -> None:
    """The first drive has a sample that comes late; one drive is not heard at all; the household says who drove."""
    heard = wanted()
    plans = week(HOUSEHOLD, 7, START_UTC_NS)
    for n, (planned, drive) in enumerate(play(plans, car("sim_petrol", odometer_m=99_890_000.0))):
        start_ns = planned.start_utc_ns - START_UTC_NS
        park(daemon, start_ns)
        if n == UNHEARD:
            continue
        samples = (sample for sample in drive.samples(start_ns) if sample[1] in heard)
        for _, chunk in groupby(samples, key=lambda sample: sample[0] // CHUNK_NS):
            piece = list(chunk)
            daemon.tick(piece[0][0], WALL)
            daemon.samples(piece)
        if n == 0:
            daemon.samples([(start_ns, SPEED, 50.0)])
        daemon.tick(daemon.now_ns + 60 * NS, WALL)
        name_driver(daemon, planned.driver)


def park(daemon: Daemon, until_ns: int) -> None:
    """The car stands; the unit looks around every quarter of an hour."""
    for t_ns in [*range(daemon.now_ns, until_ns, 900 * NS), until_ns]:
        daemon.tick(t_ns, WALL)


# -- whatever a record may hold fits -----------------------------------------------------------------------


def published(event: Event, wall: Wall | None = WALL) -> dict[str, Any]:
    """The event as a receiver reads it."""
    row = event_row(event, wall, "another boot")
    told = make_envelope(
        unit="unit-1",
        id=row.id,
        kind=row.kind,
        version=row.version,
        t_ns=row.t_ns,
        boot_id=row.boot_id,
        utc_ns=START_UTC_NS if wall else None,
        clock=row.clock,
        epoch="e1",
        seq=1,
        data=msgspec.json.decode(row.body),
    )
    found: dict[str, Any] = json.loads(told)
    return found


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_record_holds_fits(kind: str, data: st.DataObject) -> None:
    event = data.draw(a_record(leaving()[kind]))
    assert errors(published(event, data.draw(st.sampled_from([WALL, None])))) == []


# -- what is wrong does not fit ------------------------------------------------------------------------------

TRIP = TripEnded(
    id=derive_id("unit-1", "TripEnded", "t1"),
    t_ns=310 * NS,
    boot_id="b1",
    trip_id="t1",
    kind="trip",
    ended_by="ignition-off",
    start_ns=10 * NS,
    start_boot_id="b1",
    end_ns=310 * NS,
    clock="recorded",
    driver="unknown",
    vehicle="a car",
    metrics={"distance_m": 4350.0, "speed_band_m": {"0": 0.5}, "va_histogram_s": {"urban": {"3": 5}}},
)


@pytest.mark.parametrize(
    "alter",
    [
        change("data/metrics/distanse_m", 1.0),
        change("data/metrics/distance_m", "4350"),
        change("data/metrics/harsh_brakes", 1.5),
        change("data/metrics/speed_band_m/0", {"0": 1.0}),
        change("data/metrics/va_histogram_s/urban/3", "five"),
        change("data/drivver", "ana"),
        change("data/trip_id"),
        change("data/pieces", "1"),
        change("data/kind", "ride"),
        change("type", "keyoff.TripEnded.v2 "),
        change("id", "E1"),
        change("source", "urn:keyoff:unit:a/b"),
        change("tns", 310),
        change("seq", -1),
        change("time", "2026-10-26T07:33:20"),
        change("specversion", "0.3"),
        change("epoch"),
    ],
)
def test_a_fault_is_found(alter: Callable[[dict[str, Any]], None]) -> None:
    event = published(TRIP)
    assert errors(event) == []
    faulty = copy.deepcopy(event)
    alter(faulty)
    assert [each for v in VALIDATORS[event["type"]] for each in [list(v.iter_errors(faulty))] if not each] == []


def test_null_is_not_unknown_and_a_brokers_attributes_are_no_fault() -> None:
    event = published(TRIP)
    assert "start_utc_ns" not in event["data"]
    assert len(errors(event | {"data": event["data"] | {"start_utc_ns": None}})) == 1
    assert errors(event | {"traceparent": "00-1-2-00"}) == []


# -- what is said of it --------------------------------------------------------------------------------------


def test_every_kind_and_every_metric_is_described() -> None:
    for kind, record in leaving().items():
        assert record.__doc__, f"{kind}: its docstring is all that a receiver is told"
        Draft202012Validator.check_schema(event_schema(record))
    told = metrics_schema()["properties"]
    assert list(told) == list(discover())
    for name, schema in told.items():
        assert schema["description"], name
        assert ("{" in schema["description"]) == (schema["type"] == "object"), f"{name}: its docstring says its keys in braces"


def test_no_words_depend_on_how_a_python_keeps_docstrings() -> None:
    told = [part.get("description", "") for s in map(event_schema, leaving().values()) for part in s.get("$defs", {}).values()]
    assert len(told) > 20 and not [words for words in told if "\n " in words]


def test_what_stands_in_the_envelope_is_not_in_the_data() -> None:
    assert Event.__struct_fields__ == ENVELOPE_FIELDS
    for schema in map(event_schema, leaving().values()):
        assert not {*ENVELOPE_FIELDS} & {*schema["properties"]["data"]["properties"]}


def test_what_stays_on_the_unit_has_no_schema() -> None:
    assert "OdometerAdvanced" not in leaving()
    assert "OdometerRebased" in leaving()
