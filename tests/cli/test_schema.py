"""keyoff schema, as a back end's author runs it."""

from __future__ import annotations

import json
from pathlib import Path

from agent.asyncapi import documents
from agent.schema import command_schema, event_schema, leaving
from tests.cli.conftest import Keyoff


def test_it_lists_what_leaves_the_vehicle(keyoff: Keyoff) -> None:
    done = keyoff("schema")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == list(leaving())
    told = json.loads(keyoff("schema", "--json").stdout)
    assert [each["kind"] for each in told] == list(leaving())
    assert {"kind": "TripStarted", "version": leaving()["TripStarted"].version} in [
        {key: each[key] for key in ("kind", "version")} for each in told
    ]
    assert all(each["about"] for each in told)


def test_it_prints_one(keyoff: Keyoff) -> None:
    assert json.loads(keyoff("schema", "TripEnded").stdout) == event_schema(leaving()["TripEnded"])
    assert json.loads(keyoff("schema", "command").stdout) == command_schema()


def test_it_writes_all(keyoff: Keyoff, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "schemas"
    done = keyoff("schema", "--out", folder)
    assert done.stdout == f"{len(leaving()) + 1} schemas and asyncapi.json are in {folder}.\n"
    assert {path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.iterdir()} == documents()
    again = json.loads(keyoff("schema", "--out", folder, "--json").stdout)
    assert again == {"files": list(documents())}


def test_wrong_usage_says_what_would_be_right(keyoff: Keyoff, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for words, told in (
        (["TripEnd"], "did you mean TripEnded?"),
        (["xyz"], "`keyoff schema` lists them"),
        (["OdometerAdvanced"], "no event that leaves the vehicle"),
        (["TripEnded", "--out", tmp_path], "give one of the two"),
        (["--out", tmp_path / "file"], "--out"),
        (["--out", tmp_path / "file" / "below"], "cannot write there"),
    ):
        done = keyoff("schema", *words)
        assert done.returncode == 2, words
        assert told in done.stderr
        assert "Traceback" not in done.stderr
