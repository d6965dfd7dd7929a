"""The envelope: CloudEvents 1.0 JSON, the same bytes for the same record."""

from __future__ import annotations

import json
import random
import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.io.envelope import INT32_MAX, make_envelope, rfc3339

RECORD: dict[str, Any] = {
    "unit": "sim-1",
    "id": "00ff",
    "kind": "TripEnded",
    "version": 1,
    "t_ns": 9_007_199_254_740_993,  # beyond what a JSON number keeps in a double
    "boot_id": "b1",
    "utc_ns": 1_700_000_000_123_999_999,
    "clock": "synchronised",
    "epoch": "e1",
    "seq": 7,
    "data": {"distance_m": 1003.8, "bands": {"50": 1, "0": 2}, "ended": "ignition-off"},
}

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_the_bytes_of_a_known_record() -> None:
    assert make_envelope(**RECORD) == (
        b'{"specversion":"1.0","id":"00ff","source":"urn:keyoff:unit:sim-1","type":"keyoff.TripEnded.v1",'
        b'"time":"2023-11-14T22:13:20.123Z","datacontenttype":"application/json","epoch":"e1","seq":7,"bootid":"b1",'
        b'"tns":"9007199254740993","clock":"synchronised",'
        b'"data":{"bands":{"0":2,"50":1},"distance_m":1003.8,"ended":"ignition-off"}}'
    )


def test_time_is_absent_when_the_wall_clock_is_not_known() -> None:
    event = json.loads(make_envelope(**{**RECORD, "utc_ns": None, "clock": "none"}))
    assert "time" not in event
    assert event["clock"] == "none"


def test_attribute_names_are_what_cloudevents_allows() -> None:
    for name in json.loads(make_envelope(**RECORD)):
        assert re.fullmatch(r"[a-z0-9]{1,20}", name)


@pytest.mark.parametrize("seq", [-1, INT32_MAX + 1])
def test_a_seq_that_is_no_cloudevents_integer_is_refused(seq: int) -> None:
    with pytest.raises(ValueError, match=str(seq)):
        make_envelope(**{**RECORD, "seq": seq})


@given(data=st.dictionaries(st.text(), VALUES), seed=st.integers())
def test_the_order_of_keys_changes_no_byte_and_nothing_is_lost(data: dict[str, Any], seed: int) -> None:
    keys = list(data)
    random.Random(seed).shuffle(keys)
    envelope = make_envelope(**{**RECORD, "data": data})
    assert envelope == make_envelope(**{**RECORD, "data": {key: data[key] for key in keys}})
    assert json.loads(envelope)["data"] == data


@given(st.integers(0, 4_102_444_800 * 10**9))
def test_time_is_cut_to_milliseconds(utc_ns: int) -> None:
    text = rfc3339(utc_ns)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    seconds, thousandths = int(datetime.fromisoformat(text).timestamp()), int(text[-4:-1])
    assert seconds * 1000 + thousandths == utc_ns // 1_000_000
