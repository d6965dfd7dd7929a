"""keyoff config check: every mistake is one line with file, key and fix, and exit 78."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.config import Config, ConfigError, parse
from tests.cli.conftest import Keyoff


def test_a_right_one_says_what_it_found(keyoff: Keyoff, config_file: Path) -> None:
    done = keyoff("config", "check", "--config", config_file)
    assert done.returncode == 0, done.stderr
    assert "unit-1" in done.stdout
    assert "no [uplink]" in done.stdout
    assert json.loads(keyoff("config", "check", "--config", config_file, "--json").stdout)["ok"] is True


def service(limits: str) -> tuple[str, str]:
    """The config gets an item with these limits."""
    return "[owner]", f'[[service]]\nitem = "oil"\n{limits}\n[owner]'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ('timezone = "Europe/Berlin"', 'time_zone = "Europe/Berlin"'),
            "unknown key `owner.time_zone`: did you mean `owner.timezone`?",
        ),
        (("Europe/Berlin", "Europe/Atlantis"), "no IANA time zone"),
        (("[owner]", '[owner]\ntell_at = "half six"'), "no time of day"),
        (("[owner]", '[owner]\ntell_at = "7:30"'), "'7:30' is no time of day; write it like 18:30"),
        (("[owner]", '[owner]\ndriver = "Ana Maria"'), "owner.driver: 'Ana Maria' is no id: use a-z, 0-9 and -"),
        (("[owner]", "[owner]\nover_speed_kmh = 'fast'"), "owner.over_speed_kmh"),
        (("[owner]", "[ownr]"), "unknown key `ownr`: did you mean `owner`?"),
        (("[owner]", '[[service]]\nitem = "oil"\nevery_km = 15000\nlastkm = 1\n[owner]'), "did you mean `service.last_km`?"),
        (service("every_km = 15000"), "service.last_km: 'oil' has every_km, so it needs last_km too"),
        (service("every_months = 12"), "service.last_day: 'oil' has every_months"),
        (service("every_engine_h = 400"), "service.last_engine_h: 'oil' has every_engine_h"),
        (service(""), "service: 'oil' is never due; give it one of every_km"),
        (service("every_km = 0\nlast_km = 1"), "service.every_km: 'oil' needs more than 0"),
        (service('every_months = 12\nlast_day = "1 March"'), "'1 March' is no day; write it like"),
        (service("from_car = true\ncar_reminds_km_before = -1"), "service.car_reminds_km_before: 'oil': it cannot be below 0"),
        (service("oil_life_below_percent = 100"), "service.oil_life_below_percent: 'oil' needs 0 to below 100"),
        (service('from_car = true\n[[service]]\nitem = "oil"\nfrom_car = true'), "service.item: 'oil' is there 2 times"),
        (service('from_car = true\n[[service]]\nitem = "b"\nfrom_car = true'), "service.from_car: the car counts to one"),
        (('profile = "obd2"', 'profile = "obd3"'), "obd2"),
        (("[owner]", "[owner"), "not valid TOML"),
        (("[owner]", '[uplink]\nhost = "h"\nca = "no.pem"\ncertificate = "no.pem"\nkey = "no.key"\n[owner]'), "no.key"),
    ],
)
def test_each_mistake_is_named(keyoff: Keyoff, config_file: Path, change: tuple[str, str], words: str) -> None:
    config_file.write_text(config_file.read_text().replace(*change))
    done = keyoff("config", "check", "--config", config_file)
    assert done.returncode == 78
    assert words in done.stderr
    assert str(config_file) in done.stderr or "obd3" in done.stderr or "no.key" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_file_tells_where_one_is(keyoff: Keyoff, tmp_path: Path) -> None:
    done = keyoff("config", "check", "--config", tmp_path / "no.toml")
    assert done.returncode == 78
    assert "copy systemd/keyoff.toml" in done.stderr


def test_keys_are_looked_at_in_lists_and_tables_alike() -> None:
    with pytest.raises(ConfigError, match=r"unknown key `bus.interfce`: did you mean `bus.interface`\?"):
        parse('[vehicle]\nprofile = "x"\n[[bus]]\nname = "a"\n[[bus]]\nname = "b"\ninterfce = "c"\n', "f", Config)
    parse('[vehicle]\nprofile = "x"\n[[bus]]\nname = "a"\n[bus.options]\nanything = 1\n', "f", Config)
