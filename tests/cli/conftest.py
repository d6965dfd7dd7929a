"""The `keyoff` command as its user runs it: a process of its own, with its exit code and both streams."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

Keyoff = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def keyoff(tmp_path: Path) -> Keyoff:
    """keyoff(*words) → the finished process; its home and cache are the test's own."""

    def run(*words: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
        env.pop("KEYOFF_CONFIG", None)
        command = [sys.executable, "-m", "agent", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, timeout=120, check=False)

    return run


@pytest.fixture
def drive_csv(tmp_path: Path) -> Path:
    """Ten minutes at up to 60 km/h, dated, as CSV."""
    path = tmp_path / "drive.csv"
    rows = [f"{1_600_000_000 + t},{min(60, t, 600 - t) if t <= 600 else 0},{1500 if t <= 600 else 0}" for t in range(620)]
    path.write_text("utc_s,Vehicle.Speed,Vehicle.Powertrain.CombustionEngine.Speed\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A keyoff.toml with its state beside it."""
    path = tmp_path / "keyoff.toml"
    path.write_text(
        f'[unit]\nid = "unit-1"\nstate_dir = "{tmp_path / "state"}"\ncache_dir = "{tmp_path / "cache"}"\n'
        '[vehicle]\nprofile = "obd2"\n[owner]\ntimezone = "Europe/Berlin"\n'
    )
    return path
