"""fault: a code is set when it is borne out, cleared when it stays away; what is worth saying is a Concern."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.dtc import ADVICE, LAMP_WORDS, describe
from agent.events.concern import Concern, ConcernSettled
from agent.events.fault import APART_S, LAMP_S, MAX_KEPT, MAX_SAID, FaultCleared, FaultSet
from agent.model import Sample
from agent.signals import DTCS_PENDING, DTCS_PERMANENT, DTCS_STORED, IS_MIL_ON, of_ecu
from tests.sim.car import UTC_S, Bench, at, wall


def answer(t_s: float, *codes: str, ecu: str = "7E8", kind: str = DTCS_STORED) -> Sample:
    return at(t_s), kind, of_ecu(ecu, codes)


def told(bench: Bench) -> list[tuple[str, str, str]]:
    """(event, kind, code) of what leaves, in order."""
    return [(type(e).__name__, e.kind, e.code) for e in bench.events if isinstance(e, FaultSet | FaultCleared)]


SET, CLEARED = ("FaultSet", "stored", "P0301"), ("FaultCleared", "stored", "P0301")


def test_a_code_is_set_by_a_second_answer_and_says_what_it_means() -> None:
    bench = Bench().live([answer(0, "P0301"), answer(APART_S, "P0301"), answer(60, "P0301")])
    (fault,) = bench.of(FaultSet)
    assert (fault.code, fault.kind, fault.ecu, fault.t_ns) == ("P0301", "stored", "7E8", at(APART_S))
    assert (fault.words, fault.severity) == describe("P0301")
    assert fault.first_utc_ns == at(UTC_S), "since the first answer, not the second"


def test_a_clock_that_is_not_trusted_dates_nothing() -> None:
    bench = Bench(wall=wall(UTC_S, quality="unsure")).live([answer(0, "P0301"), answer(20, "P0301")])
    assert bench.of(FaultSet)[0].first_utc_ns is None
    assert bench.of(Concern)[0].utc_ns is None


def test_of_dozens_at_once_a_person_hears_of_a_few_and_of_all_that_say_stop() -> None:
    dozens = [f"U0{n}" for n in range(100, 160)]
    bench = Bench().live([answer(t, *dozens) for t in (0, 20)])
    assert len(bench.of(FaultSet)) == 60
    assert len(bench.of(Concern)) == MAX_SAID
    bench.live([answer(t, *dozens, "P0093", "P0301") for t in (40, 60)])
    assert [c.subject for c in bench.of(Concern)[MAX_SAID:]] == ["fault P0093"]


def test_a_burst_of_requests_bears_nothing_out() -> None:
    assert told(Bench().live([answer(0, "P0301"), answer(1, "P0301"), answer(APART_S - 0.1, "P0301")])) == []


def test_an_answer_without_it_starts_anew() -> None:
    assert told(Bench().live([answer(0, "P0301"), answer(5), answer(20, "P0301")])) == []


def test_stored_and_permanent_bear_each_other_out() -> None:
    bench = Bench().live([answer(0, "P0301"), answer(1, "P0301", kind=DTCS_PERMANENT)])
    assert told(bench) == [SET, ("FaultSet", "permanent", "P0301")]
    assert len(bench.of(Concern)) == 1
    assert told(Bench().live([answer(0, "P0301"), answer(1, "P0301", kind=DTCS_PENDING)])) == []
    assert told(Bench().live([answer(0, "P0301"), answer(1, "P0301", ecu="7E9", kind=DTCS_PERMANENT)])) == []


def test_it_is_cleared_when_two_answers_leave_it_out() -> None:
    bench = Bench().live([answer(0, "P0301"), answer(20, "P0301"), answer(30), answer(31), answer(39)])
    assert told(bench) == [SET]
    bench.live([answer(40)])
    assert told(bench) == [SET, CLEARED]
    (fault,), (cleared,) = bench.of(FaultSet), bench.of(FaultCleared)
    assert cleared.set_id == fault.id
    assert (cleared.first_utc_ns, cleared.last_utc_ns) == (at(UTC_S), at(UTC_S + 20))


def test_one_answer_without_it_does_not_clear_it() -> None:
    bench = Bench().live([answer(0, "P0301"), answer(20, "P0301"), answer(30), answer(50, "P0301"), answer(70), answer(75)])
    assert told(bench) == [SET]


def test_no_answer_says_nothing() -> None:
    bench = Bench().live([answer(0, "P0301"), answer(20, "P0301")]).until(999_999)
    bench.live([(at(1_000_000), DTCS_STORED, None), (at(1_000_100), DTCS_STORED, "nonsense"), (at(1_000_200), DTCS_STORED, 7.0)])
    assert told(bench) == [SET]


def test_what_is_no_code_is_not_told() -> None:
    assert told(Bench().live([answer(t, "p0301", "P03", "X0301", "MIL") for t in (0, 20)])) == []


def test_ecus_and_kinds_are_kept_apart() -> None:
    bench = Bench().live([answer(t, "P0301") for t in (0, 20)] + [answer(t, ecu="7E9") for t in (21, 41, 61)])
    bench.live([answer(t, kind=DTCS_PENDING) for t in (81, 101)])
    assert told(bench) == [SET]


def test_what_comes_back_is_a_new_episode() -> None:
    bench = Bench().live([answer(0, "P0301"), answer(20, "P0301"), answer(40), answer(60)])
    bench.live([answer(100, "P0301"), answer(120, "P0301")])
    assert told(bench) == [SET, CLEARED, SET]
    first, second = bench.of(FaultSet)
    assert first.id != second.id


def test_a_restart_neither_repeats_nor_forgets() -> None:
    bench = Bench().live([answer(0, "P0301"), answer(20, "P0301")]).restart().live([answer(40, "P0301")])
    bench.restart("boot-2").live([answer(3, "P0301"), answer(30, "P0301")])
    assert told(bench) == [SET]
    assert told(bench.restart("boot-3").live([answer(3), answer(30)])) == [SET, CLEARED]


def test_another_boot_is_far_enough_apart() -> None:
    assert told(Bench().live([answer(5, "P0301")]).restart("boot-2").live([answer(6, "P0301")])) == [SET]
    bench = Bench().live([answer(0, "P0301"), answer(20, "P0301"), answer(30)])
    assert told(bench.restart("boot-2").live([answer(1)])) == [SET, CLEARED]


def test_a_clock_found_later_dates_the_first_answer() -> None:
    bench = Bench(wall=None).live([answer(0, "P0301")])
    bench.wall = wall(UTC_S)
    bench.live([answer(5), answer(50, "P0301"), answer(70, "P0301")])
    assert [e.first_utc_ns for e in bench.of(FaultSet)] == [at(UTC_S + 50)]
    dark = Bench(wall=None).live([answer(0, "P0301")])
    dark.wall = wall(UTC_S)
    assert [e.first_utc_ns for e in dark.live([answer(50, "P0301")]).of(FaultSet)] == [at(UTC_S)]
    assert Bench(wall=None).live([answer(0, "P0301"), answer(50, "P0301")]).of(FaultSet)[0].first_utc_ns is None
    other = Bench(wall=None).live([answer(0, "P0301")]).restart("boot-2", wall=wall(UTC_S)).live([answer(50, "P0301")])
    assert other.of(FaultSet)[0].first_utc_ns is None, "this clock says nothing of another boot's"


# -- the lamp ------------------------------------------------------------------------------------------


def lamp(*on_s: float, off_s: tuple[float, ...] = ()) -> list[Sample]:
    return sorted([(at(t), IS_MIL_ON, True) for t in on_s] + [(at(t), IS_MIL_ON, False) for t in off_s], key=lambda s: s[0])


def test_the_lamp_is_told_though_other_ecus_deny_it() -> None:
    """All are asked at once; the others always say off, before the engine's ECU or after it."""
    bench = Bench().live(lamp(1, 301, 601, off_s=(1.01, 300.99, 600.99)))
    (fault,) = bench.of(FaultSet)
    assert (fault.code, fault.kind, fault.ecu, fault.words) == ("MIL", "lamp", "", LAMP_WORDS)
    assert bench.of(FaultCleared) == []
    assert bench.of(Concern) == [], "the person sees it"


def test_the_lamp_goes_off_when_all_say_so() -> None:
    bench = Bench().live(lamp(1, 20, off_s=(30, 20 + LAMP_S - 1)))
    assert bench.of(FaultCleared) == []
    (cleared,) = bench.live(lamp(off_s=(20 + LAMP_S, 30 + LAMP_S))).of(FaultCleared)
    assert (cleared.kind, cleared.last_utc_ns) == ("lamp", at(UTC_S + 20))


def test_a_lamp_that_is_off_says_nothing() -> None:
    bench = Bench().live(lamp(off_s=tuple(range(0, 600, 7))))
    assert told(bench) == []


# -- what is worth saying --------------------------------------------------------------------------------


def test_a_concern_rests_on_its_fault_and_is_settled_with_it() -> None:
    bench = Bench().live([answer(0, "P0524"), answer(20, "P0524")])
    (fault,), (concern,) = bench.of(FaultSet), bench.of(Concern)
    assert (concern.subject, concern.kind, concern.says, concern.urgency) == ("fault P0524", "fault", "fault", "usual")
    assert concern.values == {"code": "P0524", "words": fault.words, "severity": "stop now", "advice": ADVICE["stop now"]}
    assert concern.rests_on == [fault.id]
    assert concern.utc_ns == fault.first_utc_ns
    bench.live([answer(40), answer(60)])
    (settled,) = bench.of(ConcernSettled)
    assert (settled.subject, settled.why) == ("fault P0524", "no longer true")


@pytest.mark.parametrize(("code", "kind"), [("P0420", DTCS_STORED), ("P1234", DTCS_STORED), ("P0524", DTCS_PENDING)])
def test_what_can_wait_what_is_unknown_and_what_is_pending_is_no_concern(code: str, kind: str) -> None:
    bench = Bench().live([answer(t, code, kind=kind) for t in (0, 20)] + [answer(t, kind=kind) for t in (40, 60)])
    assert (len(bench.of(FaultSet)), len(bench.of(FaultCleared))) == (1, 1)
    assert bench.of(Concern) == [] == bench.of(ConcernSettled)


def test_a_code_of_several_ecus_and_kinds_is_one_concern() -> None:
    """It is settled when the last of them is gone."""
    both = [answer(t, "U0100", ecu=ecu) for t in (0, 20) for ecu in ("7E9", "7EA")]
    bench = Bench().live([*both, *(answer(t, "U0100", ecu="7E9", kind=DTCS_PERMANENT) for t in (30, 50))])
    assert (len(bench.of(FaultSet)), len(bench.of(Concern))) == (3, 1)
    bench.live([answer(t, ecu=ecu) for t in (60, 80) for ecu in ("7E9", "7EA")])
    assert bench.of(ConcernSettled) == []
    bench.live([answer(t, ecu="7E9", kind=DTCS_PERMANENT) for t in (100, 120)])
    assert len(bench.of(ConcernSettled)) == 1


# -- whatever is answered ----------------------------------------------------------------------------------

CODES = st.sampled_from(["P0301", "P0420", "U0100", "P1234", "p0301", ""])
ANSWERS = st.lists(
    st.tuples(
        st.sampled_from([DTCS_STORED, DTCS_PENDING, DTCS_PERMANENT]),
        st.sampled_from(["7E8", "7E9"]),
        st.lists(CODES, max_size=3),
        st.integers(1, 30),
    ),
    max_size=40,
)


@given(answers=ANSWERS, cuts=st.sets(st.integers(0, 39)))
def test_each_clearing_has_its_setting_and_restarts_change_nothing(
    answers: list[tuple[str, str, list[str], int]], cuts: set[int]
) -> None:
    whole, pieces, t_s = Bench(), Bench(), 0
    for n, (kind, ecu, codes, later_s) in enumerate(answers):
        t_s += later_s
        for bench in (whole, pieces):
            bench.live([answer(t_s, *codes, ecu=ecu, kind=kind)])
        if n in cuts:
            pieces.restart()
    assert pieces.events == whole.events
    is_set: dict[str, bool] = {}
    for event in whole.events:
        if isinstance(event, FaultSet):
            assert event.id not in is_set
            assert describe(event.code).severity == event.severity
            is_set[event.id] = True
        elif isinstance(event, FaultCleared):
            assert is_set[event.set_id]
            is_set[event.set_id] = False
    said = {e.subject for e in whole.events if isinstance(e, Concern)}
    assert {e.subject for e in whole.events if isinstance(e, ConcernSettled)} <= said


def test_garbage_does_not_fill_the_state() -> None:
    many = [f"P{n:04X}" for n in range(0x3000, 0x3000 + 3 * MAX_KEPT)]
    bench = Bench().live([answer(0, "P0301"), answer(20, "P0301")])
    bench.live([answer(t, *many, ecu="7E9") for t in (30, 50)])
    assert len(bench.of(FaultSet)) == MAX_KEPT
    bench.live([answer(60), answer(80)])
    assert CLEARED in told(bench), "what was told before is not pushed out"
