"""Trouble codes: their bytes, their words, and that nothing is guessed."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.dtc import ADVICE, LAMP, MAKERS_WORDS, ROWS, UNLISTED, Severity, code_of, describe, is_code, number_of

ALL = [code_of(raw) for raw in range(1 << 16)]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (0x0301, "P0301"),
        (0x0A1F, "P0A1F"),
        (0x3456, "P3456"),
        (0x4035, "C0035"),
        (0x9234, "B1234"),
        (0xC100, "U0100"),
        (0, "P0000"),
    ],
)
def test_two_bytes_are_a_code(raw: int, code: str) -> None:
    assert code_of(raw) == code
    assert number_of(code) == raw


def test_every_two_bytes_are_a_code_and_back() -> None:
    assert [number_of(code) for code in ALL] == list(range(1 << 16))
    assert all(map(is_code, ALL))


@pytest.mark.parametrize("text", ["", "P030", "P03011", "p0301", "X0301", "P4301", "P030G", "P0301\n", LAMP])
def test_what_is_no_code(text: str) -> None:
    assert not is_code(text)
    with pytest.raises(ValueError, match="is no trouble code"):
        number_of(text)


@pytest.mark.parametrize(
    ("code", "words", "severity"),
    [
        ("P0300", "the engine misfires, and not in one cylinder", "soon"),
        ("P0304", "the engine misfires in cylinder 4", "soon"),
        ("P0312", "the engine misfires in cylinder 12", "soon"),
        ("P0171", "too lean", "look at it"),
        ("P0420", "the catalyst", "look at it"),
        ("P0442", "the fuel vapour system", "look at it"),
        ("P0455", "perhaps the tank cap", "look at it"),
        ("P0506", "the idle speed", "look at it"),
        ("P0606", "control unit", "soon"),
        ("P0715", "the transmission", "soon"),
        ("P0733", "a gear", "soon"),
        ("P2138", "accelerator position", "soon"),
        ("U0100", "the engine's control unit does not answer", "soon"),
        ("U0199", "a control unit does not answer", "soon"),
        ("C0035", "the speed of a wheel", "soon"),
        (LAMP, "the engine lamp is on", "soon"),
    ],
)
def test_what_common_codes_mean(code: str, words: str, severity: str) -> None:
    found = describe(code)
    assert words in found.words
    assert found.severity == severity


def test_what_must_stop_is_five_codes() -> None:
    """To add one, say in its row what driving on does."""
    assert [code for code in ALL if describe(code).severity == "stop now"] == ["P0093", "P0217", "P0298", "P0524", "P0A7E"]


def test_the_wiring_of_the_oil_sensor_is_not_low_oil_pressure() -> None:
    assert {describe(f"P052{n}").severity for n in range(4)} == {"soon"}


@pytest.mark.parametrize("code", ["P1301", "P3001", "P3301", "C1234", "C2001", "B1000", "B2FFF", "U1000", "U2100"])
def test_a_makers_code_is_not_guessed(code: str) -> None:
    assert describe(code) == (MAKERS_WORDS, "unknown")


@pytest.mark.parametrize("code", ["P0000", "P030A", "P3401", "U3000", "C3000", "B0F00", "P0301 ", "nonsense", ""])
def test_what_is_not_in_the_table_is_unknown(code: str) -> None:
    assert describe(code) == (UNLISTED, "unknown")


@given(code=st.sampled_from(ALL))
def test_every_code_has_words_that_can_be_said(code: str) -> None:
    words, severity = describe(code)
    assert severity in get_args(Severity)
    assert not re.search(r"[{}!]|\.$|None|nan", words)
    assert words[0].islower()
    assert (severity == "unknown") == (words in (MAKERS_WORDS, UNLISTED))


def test_the_table_is_in_order_and_no_two_rows_say_the_same_codes() -> None:
    spans = [(number_of(codes[:5]), number_of(codes[-5:])) for codes, _, _ in ROWS]
    assert all(first <= last for first, last in spans)
    assert len(set(spans)) == len(spans)
    firsts = [(codes[0], first) for (codes, _, _), (first, _) in zip(ROWS, spans, strict=True)]
    assert firsts == sorted(firsts, key=lambda pair: ("PCBU".index(pair[0]), pair[1]))
    for a_first, a_last in spans:
        for b_first, b_last in spans:
            inside = (b_first <= a_first and a_last <= b_last) or (a_first <= b_first and b_last <= a_last)
            assert inside or a_last < b_first or b_last < a_first, "families are nested or apart, so that the narrowest is one"


def test_the_advice_never_replaces_the_cars_own_lamp() -> None:
    assert set(ADVICE) == set(get_args(Severity))
    for severity, sentence in ADVICE.items():
        assert "lamp" in sentence
        assert sentence.endswith(".") and "!" not in sentence
        assert ("does not replace" in sentence) == (severity == "stop now")
