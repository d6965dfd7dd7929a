"""Plans on disk: made once, by a child process, and made again whenever anything about them is in doubt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agent.config import ConfigError
from agent.io import plans
from agent.io.plans import PLANS_KEPT, load_plan
from agent.plan import Plan
from agent.vehicle import BusProfile, SignalMap, Vehicle
from tests.conftest import ROOT

DBC = 'VERSION ""\nBS_:\nBU_: X\nBO_ 1 A: 2 X\n SG_ S : 0|8@1+ (1,0) [0|250] "km/h" X\n SG_ T : 4|12@1+ (1,0) [0|0] "" X\n'
SPEED = "Vehicle.Speed"
VEHICLE = Vehicle("A car", dbc=("a.dbc",), bus={"can0": BusProfile(500_000)}, signals={SPEED: SignalMap("A.S")})


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    (tmp_path / "a.dbc").write_text(DBC)
    return tmp_path / "a_car.toml"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "var" / "cache"


class Children:
    """Counts the child processes that a test starts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started = 0
        really = subprocess.run

        def run(*args: object, **kwargs: object) -> object:
            self.started += 1
            return really(*args, **kwargs)  # type: ignore[call-overload]

        monkeypatch.setattr(subprocess, "run", run)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    return Children(monkeypatch)


def test_a_plan_is_compiled_once(profile: Path, cache: Path, children: Children) -> None:
    plan = load_plan(VEHICLE, profile, {SPEED}, cache)
    assert [(m.name, [r.path for r in m.readings]) for m in plan.messages] == [("A", [SPEED])]
    assert (plan.vehicle, plan.buses, plan.wanted) == ("a_car", ("can0",), (SPEED,))
    assert plan.notes == (f"{profile.parent / 'a.dbc'}: read although The signals T and S are overlapping in message A",)
    assert load_plan(VEHICLE, profile, [SPEED, SPEED], cache) == plan
    assert children.started == 1


def test_whatever_it_is_made_of_makes_a_new_one(
    profile: Path, cache: Path, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_plan(VEHICLE, profile, {SPEED}, cache)
    assert load_plan(VEHICLE, profile, {SPEED, "A.T"}, cache).messages[0].readings[0].path == "A.T"
    faster = msgspec.structs.replace(VEHICLE, signals={SPEED: SignalMap("A.S", scale=3.6)})
    assert load_plan(faster, profile, {SPEED}, cache).messages[0].readings[0].parts[0].scale == 3.6
    (profile.parent / "a.dbc").write_text(DBC.replace("(1,0) [0|250]", "(2,0) [0|250]"))
    assert load_plan(VEHICLE, profile, {SPEED}, cache).messages[0].readings[0].parts[0].scale == 2
    monkeypatch.setattr(plans, "PLAN_FORMAT", plans.PLAN_FORMAT + 1)
    load_plan(VEHICLE, profile, {SPEED}, cache)
    assert children.started == 5


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, b"x", None], ids=["empty", "zeros", "short", "one byte"])
def test_a_damaged_cache_is_made_anew_silently(profile: Path, cache: Path, children: Children, damage: bytes | None) -> None:
    plan = load_plan(VEHICLE, profile, {SPEED}, cache)
    (file,) = cache.iterdir()
    good = file.read_bytes()
    file.write_bytes(good[:-5] + b"9" + good[-4:] if damage is None else damage)  # None: one byte other, still JSON
    assert load_plan(VEHICLE, profile, {SPEED}, cache) == plan
    assert file.read_bytes() == good
    assert children.started == 2


def test_without_a_cache_folder_it_works_all_the_same(profile: Path, tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("")
    assert load_plan(VEHICLE, profile, {SPEED}, tmp_path / "in_the_way" / "cache").messages


def test_the_cache_does_not_grow_without_end(tmp_path: Path) -> None:
    for n in range(PLANS_KEPT + 5):
        plans._write_cache(tmp_path / f"{n}.plan", Plan("x"))
    assert len(list(tmp_path.iterdir())) == PLANS_KEPT
    assert (tmp_path / f"{PLANS_KEPT + 4}.plan").exists()


def test_the_dbcs_of_each_bus_are_read(profile: Path, cache: Path) -> None:
    (profile.parent / "b.dbc").write_text(DBC.replace("BO_ 1 A", "BO_ 1 B"))
    buses = {"drive": BusProfile(500_000), "body": BusProfile(125_000, dbc=("b.dbc",))}
    plan = load_plan(msgspec.structs.replace(VEHICLE, bus=buses), profile, {SPEED, "B.S"}, cache)
    assert [(m.name, m.bus) for m in plan.messages] == [("A", None), ("B", "body")]
    assert plan.filters() == {"drive": [(1, False)], "body": [(1, False)]}


@pytest.mark.parametrize(
    ("vehicle", "message"),
    [
        (Vehicle("x", dbc=("b.dbc",)), "b.dbc: No such file or directory; put the file there or correct its name"),
        (Vehicle("x", dbc=("bad.dbc",)), "bad.dbc: cannot be read as a DBC: Invalid syntax at line 1"),
        (Vehicle("x", dbc=("a.dbc",), signals={SPEED: SignalMap("A.SS")}), "source: no DBC here has 'A.SS'; did you mean 'A.S'?"),
    ],
)
def test_the_operators_errors_come_through_the_child(vehicle: Vehicle, message: str, profile: Path, cache: Path) -> None:
    (profile.parent / "bad.dbc").write_text("BO 1 A")
    with pytest.raises(ConfigError) as error:
        load_plan(vehicle, profile, {SPEED}, cache)
    assert message in str(error.value)
    assert str(profile.parent) in str(error.value)
    assert not cache.exists()


def test_a_child_that_dies_is_told_in_one_line(profile: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ConfigError, match="compiling the plan failed: exit 1; is cantools installed"):
        load_plan(VEHICLE, profile, {SPEED}, cache)


def test_cantools_never_enters_the_daemon(cache: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from agent.decode import Decoder
from agent.io.plans import load_plan
from agent.vehicle import Vehicle
vehicle = Vehicle("x", dbc=("toyota_rav4_2017.dbc",))
Decoder(load_plan(vehicle, Path({str(ROOT / "dbc" / "x.toml")!r}), ["Vehicle.Acceleration.Longitudinal"], Path({str(cache)!r})))
print(sorted({{"cantools", "can", "bitstruct", "agent.io.dbc"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
