"""From the start of the process to the first frame through the engine, with a large foreign DBC as the vehicle.

The plan is in the cache, the packages are those of a unit and byte-compiled, the files in the kernel's memory: the
start that a unit makes every day. Held against importing all that Keyoff is made of and loading the same DBC.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from hil.bench.figures import Figure, Group, LeftOut, Place, Target, at_most, progress
from hil.bench.runtime import ROOT, runtime_python
from hil.opendbc import OpendbcError, dbc_file

DBC = "ford_lincoln_base_pt.dbc"
REPEATS = 7
STARTS_WITHIN_S = 120  # the first one compiles the plan, on a Pi for half a minute

PROFILE = f"""
name = "Ford, by a foreign DBC"
dbc = ["{DBC}"]
[bus.can0]
bitrate = 500_000
[signals."Vehicle.Speed"]
source = "BrakeSysFeatures.Veh_V_ActlBrk"
[signals."Vehicle.Powertrain.CombustionEngine.Speed"]
source = "EngVehicleSpThrottle.EngAout_N_Actl"
[signals."Vehicle.Chassis.Accelerator.PedalPosition"]
source = "EngVehicleSpThrottle.ApedPos_Pc_ActlArb"
[signals."Vehicle.Powertrain.CombustionEngine.EngineCoolant.Temperature"]
source = "EngineData_6.EngClnt_Te_Actl"
[signals."Vehicle.TraveledDistance"]
source = "Cluster_Info1_FD1.OdometerMasterValue"
scale = 1000
[signals."Vehicle.Powertrain.FuelSystem.RelativeLevel"]
source = "Cluster_Info_3_FD1.FuelLvl_Pc_Dsply"
[signals."Vehicle.LowVoltageSystemState"]
source = "BodyInfo_3_FD1.Ignition_Status"
values = {{ Off = "OFF", Accessory = "ACC", Run = "ON", Start = "START" }}
[ignition]
source = "signal"
"""

CONFIG = """
[unit]
id = "bench"
state_dir = "{folder}"
cache_dir = "{folder}/cache"
[vehicle]
profile = "ford"
dir = "{folder}"
[[bus]]
name = "can0"
"""

FIRST_FRAME = ("415", "1388000000000000")  # BrakeSysFeatures, 50.00 km/h

EVERYTHING = """
import resource, sys, time
import apscheduler.schedulers.background, can, cantools, click, cryptography.x509, joserfc.jws, msgspec
import paho.mqtt.client, sqlite3, sqlite_utils, tabulate
cantools.database.load_file(sys.argv[1], strict=False)
done_s = time.monotonic()
used = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/status") as file:
    most_kib = next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
print(done_s, used.ru_utime + used.ru_stime, most_kib / 1024)
"""


class Start(NamedTuple):
    """One start: until its first frame is through, or until everything is loaded."""

    wall_s: float
    cpu_s: float
    memory_mib: float


def measure(place: Place, repeats: int = REPEATS) -> list[Figure]:
    try:
        config = prepare(place.folder / "ford")
    except OpendbcError as e:
        raise LeftOut(str(e)) from None
    python = runtime_python()
    first_frame(python, config)  # fills the plan's cache and the byte-code's
    everything(python, config)
    runs = [(first_frame(python, config), everything(python, config)) for _ in progress("Start-up", range(repeats))]
    ours, theirs = (_medians(each) for each in zip(*runs, strict=True))
    return list(_figures(ours, theirs))


def prepare(folder: Path) -> Path:
    """The vehicle and a keyoff.toml in `folder`; gives the latter. Raises OpendbcError."""
    folder.mkdir()
    (folder / DBC).write_bytes(dbc_file(DBC))
    (folder / "ford.toml").write_text(PROFILE)
    (folder / "keyoff.toml").write_text(CONFIG.format(folder=folder))
    return folder / "keyoff.toml"


def first_frame(python: Path, config: Path) -> Start:
    return _started([str(python), "-m", "hil.bench.first_frame", str(config), *FIRST_FRAME])


def everything(python: Path, config: Path) -> Start:
    return _started([str(python), "-c", EVERYTHING, str(config.with_name(DBC))])


def _started(command: list[str]) -> Start:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP")}
    began_s = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, env={**env, "PYTHONPATH": str(ROOT)}, timeout=STARTS_WITHIN_S, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])}: exit {done.returncode}: {done.stderr.strip()}")
    done_s, cpu_s, memory_mib = map(float, done.stdout.split())
    return Start(done_s - began_s, cpu_s, memory_mib)


def _medians(runs: tuple[Start, ...]) -> Start:
    return Start(*map(median, zip(*runs, strict=True)))


def _figures(ours: Start, theirs: Start) -> Iterator[Figure]:
    ratio, quarter = ours.cpu_s / theirs.cpu_s, Target(0.0, 0.25, "<=1/4")
    way = f"process start to first frame through the engine, Python {sys.version.split()[0]}"
    yield Figure("startup_s", ours.wall_s, "s", at_most(0.5), way)
    yield Figure("startup_ratio", ratio, "of_everything", quarter, f"1/{1 / ratio:.1f}, by CPU time: it does not wait for others")
    yield Figure("startup_cpu_s", ours.cpu_s, "s")
    yield Figure("startup_memory_mib", ours.memory_mib, "MiB", None, "resident, the most")
    yield Figure("everything_s", theirs.wall_s, "s", None, "every package imported, the DBC loaded by cantools")
    yield Figure("everything_cpu_s", theirs.cpu_s, "s")
    yield Figure("everything_memory_mib", theirs.memory_mib, "MiB")


GROUP = Group("startup", ("startup_s", "startup_ratio"), measure)
