"""people: the address book, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import ConfigError
from hil.cloud.inbox.people import read

ANA = '[[person]]\nid = "ana"\nmail = "ana@example.org"\ntimezone = "Europe/Berlin"\ncars = { rav4 = "Toyota RAV4" }\n'


def test_people_are_found_by_the_unit_that_knows_them(tmp_path: Path) -> None:
    file = tmp_path / "people.toml"
    file.write_text(ANA + ANA.replace("rav4", "other").replace("ana@", "another-ana@"))
    book = read(file)
    ana, other = book.find("rav4", "ana"), book.find("other", "ana")
    assert ana and other and (ana.mail, other.mail) == ("ana@example.org", "another-ana@example.org")
    assert book.find("stranger", "ana") is None
    assert book.people[ana.key] is ana
    assert "ana" not in ana.key


@pytest.mark.parametrize(
    "text",
    [
        "",
        ANA.replace("Berlin", "Nowhere"),
        ANA.replace("@", " at "),
        ANA.replace("mail", "post"),
        ANA + ANA,
        ANA + ANA.replace("ana@", "another@"),
        "[[person",
    ][1:],
)
def test_what_is_wrong_is_said_with_the_files_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "people.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="address book"):
        read(file)
