"""links: only ours, only what they say, only until they end."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.localtime import DAY_NS
from hil.cloud.inbox.links import (
    ANSWER_DAYS,
    STOP_DAYS,
    Aim,
    BadLink,
    Links,
    ToAnswer,
    ToCalendar,
    ToPage,
    ToReport,
    ToStop,
    secret,
)
from tests.hil.inbox.cars import EVENING_NS
from tests.hil.inbox.scene import BASE, SECRET

LINKS = Links(SECRET, BASE)
AIMS: list[Aim] = [
    ToAnswer("rav4", "p1", "booked", "s1"),
    ToStop((("rav4", "p1"), ("golf", "p2"))),
    ToPage("abc"),
    ToReport("rav4", "r1"),
    ToCalendar("rav4", "p1"),
]


@pytest.mark.parametrize("aim", AIMS)
def test_a_link_says_what_it_was_made_for(aim: Aim) -> None:
    assert LINKS.read(LINKS.sign(aim, EVENING_NS), EVENING_NS) == aim
    assert LINKS.url(aim, EVENING_NS).startswith(f"{BASE}/")


@pytest.mark.parametrize(("aim", "days"), [(AIMS[0], ANSWER_DAYS), (AIMS[1], STOP_DAYS)])
def test_it_ends(aim: Aim, days: int) -> None:
    token = LINKS.sign(aim, EVENING_NS)
    end_ns = EVENING_NS + days * DAY_NS
    assert LINKS.read(token, end_ns - 1) == aim
    with pytest.raises(BadLink, match="too old"):
        LINKS.read(token, end_ns)


@given(st.data())
def test_a_link_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    token = LINKS.sign(AIMS[0], EVENING_NS)
    at = data.draw(st.integers(0, len(token) - 2))  # the last character may carry spare bits
    other = data.draw(st.sampled_from("abcXYZ012-_.").filter(lambda c: c != token[at]))
    with pytest.raises(BadLink, match="not ours"):
        LINKS.read(token[:at] + other + token[at + 1 :], EVENING_NS)


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadLink):
        LINKS.read(text, EVENING_NS)


def test_another_key_is_refused() -> None:
    with pytest.raises(BadLink, match="not ours"):
        LINKS.read(Links(bytes(32), BASE).sign(AIMS[0], EVENING_NS), EVENING_NS)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS512"}, {"alg": "HS256", "crit": ["x"], "x": 1}])
def test_the_header_does_not_choose_how_it_is_checked(header: dict[str, object]) -> None:
    _, payload, signature = LINKS.sign(AIMS[0], EVENING_NS).split(".")
    forged = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    for signed in (signature, ""):
        with pytest.raises(BadLink):
            LINKS.read(f"{forged}.{payload}.{signed}", EVENING_NS)


def test_the_key_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    file = tmp_path / "links.key"
    made = secret(file)
    assert len(made) == 32
    assert secret(file) == made
    assert file.stat().st_mode & 0o077 == 0
