"""Plans from DBC files and a profile: read through cantools in a child process, kept on disk by content hash.

    python -m agent.io.plans < request.json > answer.json      (the child; the parent never imports cantools)

cantools takes 0.4–2 s and up to 55 MiB for a large DBC; the unit pays that once per DBC, profile and wish, not at
every start and not in the daemon.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Collection
from pathlib import Path

import msgspec

import agent
from agent.config import ConfigError
from agent.plan import Plan
from agent.signals import SIGNALS
from agent.vehicle import Vehicle

PLAN_FORMAT = 2  # raised when Plan, or what is made of a DBC, changes
PLANS_KEPT = 16  # in the cache folder: a few vehicles' and wishes'; each is some 10 kB
COMPILE_TIMEOUT_S = 120  # a Pi needs ten times the 2 s of the largest DBC seen; beyond that something hangs


class DbcFile(msgspec.Struct, frozen=True):
    """A DBC as it was read. `bus` None: its messages hold on every bus."""

    name: str
    body: bytes
    bus: str | None = None


class Request(msgspec.Struct, frozen=True):
    """What the child is asked for: everything that a Plan depends on, so that its hash names the Plan."""

    name: str
    where: str  # the profile, as errors name it
    vehicle: Vehicle
    files: tuple[DbcFile, ...]
    wanted: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True):
    plan: Plan | None = None
    error: str | None = None  # the operator's to fix


def load_plan(vehicle: Vehicle, profile: Path, wanted: Collection[str], cache_dir: Path) -> Plan:
    """The Plan for the `wanted` VSS paths (or "MESSAGE.SIGNAL" names) that this vehicle has; from the cache when it is there.

    `profile` is the vehicle's TOML file, as `find_vehicle` gives it; its DBC files lie beside it. Raises ConfigError
    naming file, place and fix. A cache that cannot be read or written is done without.
    """
    asked = Request(profile.stem, str(profile), vehicle, read_dbcs(vehicle, profile), tuple(sorted(set(wanted))))
    body = msgspec.json.encode(asked)
    cached = cache_dir / f"{profile.stem}-{_digest(body)}.plan"
    plan = _read_cache(cached)
    if plan is None:
        plan = _compile_in_child(body)
        with contextlib.suppress(OSError):
            _write_cache(cached, plan)
    return plan


def read_dbcs(vehicle: Vehicle, profile: Path) -> tuple[DbcFile, ...]:
    """The vehicle's DBC files, the whole vehicle's first. Raises ConfigError."""
    named = [(name, None) for name in vehicle.dbc] + [(name, bus) for bus, b in vehicle.bus.items() for name in b.dbc]
    return tuple(DbcFile(str(profile.parent / name), _read(profile, name), bus) for name, bus in named)


def _read(profile: Path, name: str) -> bytes:
    try:
        return (profile.parent / name).read_bytes()
    except OSError as e:
        raise ConfigError(
            f"{profile}: dbc: cannot read {profile.parent / name}: {e.strerror}; put the file there or correct its name"
        ) from None


# -- the cache: one file per Plan, its SHA-256 in front ---------------------------------------------


def _digest(request: bytes) -> str:
    """The name of the Plan that this request gives, with this program."""
    program = f"{PLAN_FORMAT} {agent.__version__} {SIGNALS!r}"
    return hashlib.sha256(program.encode() + request).hexdigest()[:32]


def _read_cache(path: Path) -> Plan | None:
    """The Plan in this file; None when it is absent, damaged or of another format."""
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            return None
        return msgspec.json.decode(content[32:], type=Plan)
    except (OSError, msgspec.MsgspecError):
        return None


def _write_cache(path: Path, plan: Plan) -> None:
    """Whole or not at all, also through a power cut; the oldest of too many go."""
    body = msgspec.json.encode(plan)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(hashlib.sha256(body).digest() + body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    for old in sorted(path.parent.glob("*.plan"), key=lambda p: p.stat().st_mtime, reverse=True)[PLANS_KEPT:]:
        old.unlink(missing_ok=True)


# -- the child --------------------------------------------------------------------------------------


def _compile_in_child(request: bytes) -> Plan:
    import subprocess  # only where there is no cache: 10 ms

    package = str(Path(agent.__file__).resolve().parent.parent)
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "agent.io.plans"]
    try:
        done = subprocess.run(
            command,
            input=request,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": path},
            timeout=COMPILE_TIMEOUT_S,
            check=False,
        )
        answer = msgspec.json.decode(done.stdout, type=Answer)
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"compiling the plan took more than {COMPILE_TIMEOUT_S} s; leave out of the DBC what is not needed"
        ) from None
    except msgspec.MsgspecError:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ConfigError(f"compiling the plan failed: {last or f'exit {done.returncode}'}; is cantools installed?") from None
    if answer.plan is None:
        raise ConfigError(answer.error or "compiling the plan gave nothing")
    return answer.plan


def main() -> None:
    """The child: a Request on standard input, an Answer on standard output."""
    from agent.io.dbc import compile_plan  # cantools is the child's alone

    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    try:
        answer = Answer(plan=compile_plan(asked))
    except ConfigError as e:
        answer = Answer(error=str(e))
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
