"""What the demo sets up in its folder: keyoff.toml, the address book, certificates and keys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from agent.model import NS
from hil.broker import Broker
from hil.ca import Authority

Protocol: TypeAlias = Literal["5", "3.1.1"]

UNIT = "demo-car"
ZONE = "Europe/Berlin"
START_UTC_NS = round(datetime(2026, 8, 2, 22, tzinfo=UTC).timestamp()) * NS  # Monday, 3 August 2026, 00:00 in Berlin
FIRST_READING_M = 97_950_000.0  # the household drives 290 km a week: 100,000 km in the eighth week

CONFIG = """\
[unit]
id = "{unit}"
state_dir = "{folder}"
cache_dir = "{folder}/cache"

[vehicle]
profile = "sim_petrol"

[car]
make = "Simulated"
model = "Petrol"
year = 2019

[owner]
household = "demo-household"
counts = "km"
timezone = "{zone}"
over_speed_kmh = 125.0

[[service]]
item = "oil change"
every_km = 15000.0
last_km = 87600.0
car_reminds_km_before = 1000.0

"""

PEOPLE = """\
# Addresses are on the far side only; the unit knows ids.
[[person]]
id = "alex"
mail = "alex@example.org"
timezone = "{zone}"
cars = {{ {unit} = "Simulated Petrol" }}

[[person]]
id = "robin"
mail = "robin@example.org"
timezone = "{zone}"
cars = {{ {unit} = "Simulated Petrol" }}

[[person]]
id = "kim"
mail = "kim@example.org"
timezone = "{zone}"
language = "de"
cars = {{ {unit} = "Simulated Petrol" }}
"""


def write_config(folder: Path, authority: Authority, broker: Broker, protocol: Protocol) -> Path:
    """keyoff.toml and people.toml; gives the first."""
    path = folder / "keyoff.toml"
    own = CONFIG.format(unit=UNIT, folder=folder, zone=ZONE)
    path.write_text(own + authority.settings(UNIT, broker.host, port=broker.port, protocol=protocol))
    (folder / "people.toml").write_text(PEOPLE.format(unit=UNIT, zone=ZONE))
    return path
