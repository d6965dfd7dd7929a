"""What `make install` puts on a unit: the hardened service, the example configuration, and all of it away again."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from agent.cli import exits
from agent.config import Config, Section, parse
from agent.io import requests
from tests.conftest import ROOT, absent

SYSTEMD = ROOT / "systemd"
SERVICE = SYSTEMD / "keyoff.service"
EXAMPLE = SYSTEMD / "keyoff.toml"

EXPOSURE = 15  # tenths: systemd-analyze's scale goes to 100; a unit without a sandbox has 96

DAEMON = 54_321  # a user id that nobody has

KEPT = {Path("etc/keyoff/keyoff.toml"), Path("etc/systemd/network/80-can0.network")}


# -- the service -----------------------------------------------------------------------------------


def analyze(*args: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        absent("no systemd-analyze: apt-get install systemd")
    return subprocess.run([program, *args], capture_output=True, text=True, check=False)


def test_the_service_is_hardened() -> None:
    done = analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}", SERVICE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_systemd_understands_the_service(tmp_path: Path) -> None:
    unit = tmp_path / SERVICE.name
    unit.write_text(re.sub(r"(?m)^ExecStart=.*", "ExecStart=/bin/true", SERVICE.read_text()))  # the real one is not there
    done = analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stderr) == (0, "")


def ini(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def test_a_wrong_configuration_is_not_started_again() -> None:
    service = ini(SERVICE)["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == str(exits.CONFIG)


def test_the_car_does_not_notice_the_unit() -> None:
    assert ini(SYSTEMD / "network" / "80-can0.network")["CAN"]["ListenOnly"] == "yes"


# -- the example configuration ---------------------------------------------------------------------


def uncommented() -> str:
    """The example with each `#key = value` in force."""
    return re.sub(r"(?m)^#(?=[a-z_]+ = |\[)", "", EXAMPLE.read_text())


def test_the_example_is_right_as_it_is() -> None:
    config = parse(EXAMPLE.read_text(), "keyoff.toml", Config)
    assert config.uplink is None
    assert len(config.bus) == 1


def section_in(kind: Any) -> type[Section] | None:
    """The Section that a type is or holds."""
    if isinstance(kind, type) and not isinstance(kind, types.GenericAlias) and issubclass(kind, Section):
        return kind
    return next(filter(None, map(section_in, get_args(kind))), None)


def missing(raw: Any, section: type[Section], path: str = "") -> list[str]:
    """The keys of `section`, and of the sections in it, that a decoded table does not have."""
    table = raw[0] if isinstance(raw, list) else raw
    hints = get_type_hints(section)
    lacking = [path + f for f in section.__struct_fields__ if f not in table]
    inner = [(f, s) for f in section.__struct_fields__ if f in table and (s := section_in(hints[f]))]
    return lacking + [key for f, s in inner for key in missing(table[f], s, f"{path}{f}.")]


def test_the_example_has_every_key() -> None:
    whole = msgspec.toml.decode(uncommented().encode())
    parse(uncommented(), "keyoff.toml", Config)
    assert missing(whole, Config) == []


def test_the_example_shows_the_defaults() -> None:
    """Where a key has a default that TOML can write, that is what the example says."""
    whole = parse(uncommented(), "keyoff.toml", Config)
    for section in (whole.unit, whole.store, whole.vehicle, whole.bus[0], whole.owner, whole.service[0], whole.uplink):
        assert section is not None
        for field in msgspec.structs.fields(section):
            if field.default not in (msgspec.NODEFAULT, None):
                assert getattr(section, field.name) == field.default, f"{type(section).__name__}.{field.name}"


# -- on the unit and away again --------------------------------------------------------------------


def script(what: str, root: Path, **more: str) -> str:
    """Run systemd/install.sh, as `make install` and `make uninstall` do."""
    env = os.environ | more | {"DESTDIR": str(root)}
    done = subprocess.run([SYSTEMD / "install.sh", what], env=env, capture_output=True, text=True, check=False)
    if "Could not find a version" in done.stderr:
        absent("pip reaches no package index")
    assert done.returncode == 0, done.stderr
    return done.stdout


def placed(root: Path) -> set[Path]:
    return {p.relative_to(root) for p in root.rglob("*") if not p.is_dir() or p.is_symlink()}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the script took for a unit's root, and installed into."""
    root = tmp_path_factory.mktemp("unit")
    script("install", root)
    return root


def test_install_brings_what_the_service_starts(installed: Path) -> None:
    start = ini(installed / "usr/local/lib/systemd/system/keyoff.service")["Service"]["ExecStart"]
    program, *_, config = start.split()
    assert (installed / program.lstrip("/")).read_text().startswith("#!/opt/keyoff/venv/bin/python")
    assert (installed / config.lstrip("/")).is_file()
    link = installed / "usr/local/bin/keyoff"
    assert str(link.readlink()) == program


def test_install_leaves_byte_code_and_no_trace_of_where_it_was_built(installed: Path) -> None:
    modules = list(installed.glob("opt/keyoff/venv/lib/python*/site-packages/agent/**/*.py"))
    assert modules
    for module in modules:
        assert list((module.parent / "__pycache__").glob(f"{module.stem}.*.pyc")), module
    found = [p for p in installed.rglob("*") if p.is_file() and not p.is_symlink() and str(installed).encode() in p.read_bytes()]
    assert not found


def test_the_installed_agent_reads_its_configuration(installed: Path, tmp_path: Path) -> None:
    config = tmp_path / "keyoff.toml"
    text = (installed / "etc/keyoff/keyoff.toml").read_text()
    config.write_text(text.replace("#cache_dir = ", f'cache_dir = "{tmp_path}" #'))
    python = installed / "opt/keyoff/venv/bin/python"
    done = subprocess.run(
        [python, "-I", "-m", "agent", "config", "check", "--config", config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_the_operator_wrote_is_kept(tmp_path: Path) -> None:
    script("files", tmp_path)
    config = tmp_path / "etc/keyoff/keyoff.toml"
    config.write_text("mine")
    assert "kept  /etc/keyoff/keyoff.toml" in script("files", tmp_path)
    assert config.read_text() == "mine"


def test_uninstall_takes_all_but_configuration_and_trips(installed: Path) -> None:
    trips = installed / "var/lib/keyoff/keyoff.db"
    trips.parent.mkdir(parents=True)
    trips.touch()
    script("files", installed, VCAN="1")
    assert Path("etc/systemd/network/80-vcan0.netdev") in placed(installed)
    assert "PURGE=1" in script("uninstall", installed)
    assert placed(installed) == KEPT | {trips.relative_to(installed)}
    script("uninstall", installed, PURGE="1")
    assert placed(installed) == set()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The daemon's folder, as root sees it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be another user")
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, DAEMON, DAEMON)
    return folder


def owners(folder: Path) -> set[tuple[int, int]]:
    return {(p.stat().st_uid, p.stat().st_gid) for p in folder.rglob("*")}


def test_what_root_enters_before_the_first_start_is_the_daemons(state: Path, tmp_path: Path) -> None:
    config = tmp_path / "keyoff.toml"
    config.write_text(f'vehicle.profile = "obd2"\nunit.state_dir = "{state}"\nunit.cache_dir = "{tmp_path}/cache"\n')
    subprocess.run([sys.executable, "-m", "agent", "odometer", "set", "50000", "--config", config], cwd=ROOT, check=True)
    assert owners(state) == {(DAEMON, DAEMON)}


def test_what_root_enters_while_it_runs_can_be_taken_in(state: Path) -> None:
    requests.leave(state, requests.Request("odometer", reading_m=5e7))
    assert owners(state) == {(DAEMON, DAEMON)}
    assert len(requests.waiting(state)) == 1
