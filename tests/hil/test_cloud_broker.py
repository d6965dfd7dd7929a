"""The receiver at a real broker: killed, away, or with a full disk, it loses nothing that was published."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hil.cloud.__main__ import main
from hil.cloud.show import read, reports
from hil.herd import Protocol
from tests.conftest import ROOT
from tests.contract.bench import DEADLINE_S, UNIT, Bench, eventually


@pytest.fixture(params=["5", "3.1.1"])
def bench(mosquitto: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    protocol: Protocol = request.param
    bench = Bench(tmp_path, "mosquitto", protocol)
    yield bench
    bench.close()


@contextmanager
def listening(bench: Bench, file: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m hil.cloud --store FILE`, subscribed; killed at the end if it still runs."""
    words = [sys.executable, "-m", "hil.cloud", "--port", str(bench.broker.port), "--protocol", bench.protocol, *more]
    pems = {"ca": bench.authority.pair.certificate, "cert": bench.pair.certificate, "key": bench.pair.key, "store": file}
    words += [word for name, path in pems.items() for word in (f"--{name}", str(path))]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        assert process.stderr.readline().startswith("subscribed to keyoff/#")
        yield process
    finally:
        process.kill()
        process.communicate()


def kept(file: Path) -> int:
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM events").fetchone()[0])


def test_a_receiver_that_is_killed_loses_nothing(bench: Bench, tmp_path: Path) -> None:
    """Three times with SIGKILL, in the midst of what comes; what it had not kept comes again."""
    file = tmp_path / "cloud.db"
    for want in (1, 60, 130):
        with listening(bench, file) as process:
            bench.outbox.add(100)
            bench.pump_until(lambda want=want: kept(file) >= want)  # type: ignore[misc]
            process.kill()
        bench.pump_until(lambda: bench.outbox.drained)
    with listening(bench, file):
        eventually(lambda: kept(file) == 300, "all 300 are kept")
    (report,), _ = read(file)
    assert report.complete
    assert report.bad == 0
    assert report.received == report.events + report.duplicates


def test_nothing_is_acknowledged_that_could_not_be_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at the commit: the broker keeps the messages, and they come again once there is room."""
    cloud = bench.cloud()
    bench.outbox.add(1)
    bench.drain()
    commit, failures = cloud.receiver.commit, iter(range(2))

    def fail_twice() -> Any:
        if cloud.receiver.db.in_transaction and next(failures, None) is not None:
            raise sqlite3.OperationalError("database or disk is full")
        return commit()

    monkeypatch.setattr(cloud.receiver, "commit", fail_twice)
    bench.outbox.add(50)
    bench.drain()
    assert next(failures, None) is None
    (report,) = reports(cloud.receiver.db)
    assert report.complete
    assert (report.events, report.received, report.duplicates) == (51, 51, 0)  # what was rolled back was never counted
    assert [event["seq"] for event in cloud.events] == list(range(1, 52))


def test_what_was_published_while_it_was_away_waits_for_it(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "cloud.db"
    bench.cloud(file=file).stop()
    bench.outbox.add(30)
    bench.pump_until(lambda: bench.outbox.drained)
    late = bench.cloud(file=file)
    late.wait_for(30, DEADLINE_S)
    late.stop()
    again = bench.cloud(file=file)
    assert len(again.events) == 30
    assert again.births[UNIT]["software"] == "1.2.3"


def test_the_command_prints_and_keeps(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "cloud.db"
    bench.outbox.add(2)
    with listening(bench, file, "--json") as process:
        bench.pump_until(lambda: bench.outbox.drained)
        assert process.stdout
        seqs = [json.loads(process.stdout.readline())["seq"] for _ in range(2)]
        process.terminate()
        _, said = process.communicate(timeout=DEADLINE_S)
    assert seqs == [1, 2]
    assert json.loads(said) == {"received": 2, "duplicates": 0, "bad": 0, "waiting": 0}
    assert f"{UNIT}" in CliRunner().invoke(main, ["show", str(file)]).output
