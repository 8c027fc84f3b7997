"""What callers heard: answers to phrases, sound that went missing, and what is evidence for that."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from analysis.emodel import mos
from analysis.gate_name import read
from analysis.gates import Verdict
from analysis.hearing import Hearing, Missing, hearing, missing
from analysis.ladder import worst_calls
from analysis.run import Run
from analysis.summary import summarise

MakeRun = Callable[..., Run]
SCHEMAS = Path(__file__).parents[2] / "schemas"
SUMMARY = json.loads((SCHEMAS / "summary.json").read_text())
CLEAN = {"stalled_share": 0.0, "arms": (("a", "none"),), "calls": 40, "warm_up": 0}


def heard(run: Run) -> Hearing:
    """The figures of the one arm."""
    found = hearing(run.counted())
    assert found is not None
    return found


def of(run: Run, index: int) -> object:
    """What was missing in that call."""
    calls = run.counted()
    return missing(calls)[calls.index[calls["call_id"] == f"call-{index:05d}"][0]]


def test_a_run_that_nobody_listened_to_says_nothing_of_it(make_run: MakeRun) -> None:
    """Records of earlier versions have no word of it."""
    run = make_run(**CLEAN)

    assert hearing(run.counted()) is None
    assert missing(run.counted()).isna().all()
    assert summarise(run).arms["a"].heard is None


def test_the_records_follow_their_schema(make_run: MakeRun, write_run: Callable[..., Path]) -> None:
    """What these tests read is what a run writes."""
    schema = json.loads((SCHEMAS / "calls.json").read_text())
    for line in (write_run(**CLEAN, heard={}) / "calls-1.jsonl").read_text().splitlines():
        jsonschema.validate(json.loads(line), schema)


def test_a_call_has_its_slowest_response_and_none_at_all_where_a_phrase_had_no_answer(
    make_run: MakeRun,
) -> None:
    """Of two answers after 0.3 and 0.4 s it is 0.4; a phrase without one is beyond any percentile."""
    run = make_run(**CLEAN, heard={n: {"heard": {"unanswered": 1}} for n in (3, 7, 9)})
    found = heard(run)

    assert found.response_s.p50.value == pytest.approx(0.4)
    assert found.response_s.p95.censored
    assert (found.phrases, found.missing) == (80, {Missing.NO_ANSWER: 3})
    assert found.unanswered_share.value == pytest.approx(3 / 40)
    gate = read("response_p95").measure(run.counted(), run.tau_s)
    assert gate is not None
    assert (gate.n, np.isinf(gate.value)) == (40, True)


def test_an_answer_that_was_not_waited_for_long_is_no_answer_missed(make_run: MakeRun) -> None:
    """The caller hung up shortly after a phrase."""
    run = make_run(**CLEAN, heard={3: {"heard": {"waiting_s": 4.9}}})

    assert of(run, 3) is None
    assert heard(run).went_silent_share.value == 0


def test_an_agent_went_silent_where_it_was_heard_and_then_owed_an_answer_to_the_end(
    make_run: MakeRun,
) -> None:
    """The call was up and its packets came, but for 5 s and more nobody was there."""
    run = make_run(**CLEAN, heard={3: {"heard": {"waiting_s": 5.0}, "record": {"response_s": []}}})
    found = heard(run)

    assert of(run, 3) == Missing.WENT_SILENT
    assert (found.went_silent_share.value, found.went_silent_share.n) == (pytest.approx(1 / 40), 40)
    assert found.agent_left == 0
    gate = read("went_silent").measure(run.counted(), run.tau_s)
    assert gate is not None
    assert gate.value == pytest.approx(1 / 40)


def test_an_agent_that_nobody_spoke_to_may_have_nothing_to_say(make_run: MakeRun) -> None:
    """Without a phrase a long silence is no evidence: such calls are in no share."""
    quiet = {"heard": {"phrases": 0, "last_audible_s": None}, "record": {"response_s": []}}
    run = make_run(**CLEAN, heard={3: quiet})

    assert of(run, 3) is None
    assert heard(run).went_silent_share.n == 39


def test_an_agent_that_left_its_room_first_is_told_from_one_that_stayed(make_run: MakeRun) -> None:
    """The server keeps the call up and sends silence."""
    run = make_run(**CLEAN, heard={n: {"heard": {"waiting_s": 8.0}} for n in (3, 5)})
    calls = run.counted()
    ended = calls["zero_unix"] + calls["ended_s"]
    left = calls.assign(agent_left_unix=(ended - 2.0).where(calls["call_id"] == "call-00003", ended))

    found = hearing(left)

    assert found is not None
    assert (found.missing[Missing.WENT_SILENT], found.agent_left) == (2, 1)


def test_audio_of_one_way_is_told_by_whether_packets_came(make_run: MakeRun) -> None:
    """A call without a packet and one with silence in its packets; neither was spoken with."""
    deaf = {"record": {"silent": True, "response_s": [], "first_audio_s": None}}
    run = make_run(**CLEAN, heard={3: deaf | {"rtp": {"received": 0}}, 5: deaf})
    found = heard(run)

    assert (of(run, 3), of(run, 5)) == (Missing.NO_PACKET, Missing.NO_SOUND)
    assert found.one_way_share.value == pytest.approx(2 / 40)
    assert found.went_silent_share.n == 38


def test_shares_of_a_call_are_of_what_they_are_a_part_of(make_run: MakeRun) -> None:
    """Talk-over of the time from answer to hang-up, late of the expected packets, lost of those sent."""
    changed = {
        "heard": {"talk_over_s": 1.0, "late": 20, "far_end_lost": 10, "clipped_share": 0.25, "gap_s": 0.5}
    }
    found = heard(make_run(**CLEAN, heard=dict.fromkeys(range(40), changed)))

    assert found.talk_over_share.p50.value == pytest.approx(0.25, abs=0.01)
    assert found.late_share.p50.value == pytest.approx(0.1)
    assert found.outgoing_loss_share.p50.value == pytest.approx(0.05)
    assert (found.clipped_share.p50.value, found.gap_s.p50.value) == (0.25, 0.5)


@pytest.mark.parametrize(("missed", "opinion"), [(0, 4.41), (2, 3.83), (6, 2.79), (10, 2.17), (20, 1.48)])
def test_what_came_too_late_is_as_good_as_lost(make_run: MakeRun, missed: int, opinion: float) -> None:
    """The golden values of G.107 at 0, 1, 3, 5 and 10 % of 200 packets, half of them lost and half late."""
    late = missed // 2
    changed = {
        "heard": {"late": late, "burst_ratio": 0.9 if missed else None},
        "rtp": {"lost": missed - late, "received": 200 - missed + late},
    }
    calls = make_run(**CLEAN, heard=dict.fromkeys(range(40), changed)).counted()

    assert calls["rtp_unplayed"].iloc[0] == pytest.approx(missed / 200)
    assert calls["rtp_mos"].iloc[0] == pytest.approx(opinion, abs=0.006)


def test_a_call_that_was_listened_to_has_bursts_of_its_own(make_run: MakeRun) -> None:
    """5 % in bursts of 5, which the dose of the network knows nothing of."""
    changed = {"heard": {"late": 10, "burst_ratio": 4.75}, "rtp": {"lost": 0, "received": 200}}
    calls = make_run(**CLEAN, heard=dict.fromkeys(range(40), changed)).counted()

    assert calls["rtp_burst_ratio"].iloc[0] == 4.75
    assert calls["rtp_mos"].iloc[0] == pytest.approx(float(mos(0.05, 0.0, burst_ratio=4.75)))


def test_the_summary_follows_its_schema_and_a_gate_on_the_response_decides(make_run: MakeRun) -> None:
    """All 80 calls answered within 0.4 s keep a limit of 1 s."""
    run = make_run(calls=160, stalled_share=0.0, heard={}, gates={"response_p95_s": 1.0, "went_silent": 0.05})
    summary = summarise(run)
    jsonschema.validate(json.loads(json.dumps(summary.document(), allow_nan=False)), SUMMARY)

    assert summary.verdict is Verdict.PASSED
    assert summary.arms["bounded"].heard is not None


def test_calls_that_went_silent_are_among_the_worst(make_run: MakeRun) -> None:
    """After those without an answer, before those that only rang for long; with what was missing."""
    run = make_run(**CLEAN, heard={3: {"heard": {"waiting_s": 6.0}}}, outcomes={8: "agent_failed"})
    first, second, *others = worst_calls(run, most=5)

    assert (first.call_id, first.missing) == ("call-00008", None)
    assert (second.call_id, second.missing) == ("call-00003", "went silent")
    assert [step.what for step in second.steps].count("last audible sound") == 1
    assert not any(each.missing for each in others)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"strangers": 3}, "In 40 calls packets came from elsewhere than the session description says"),
        ({"phrases": 0}, "nothing is known of responses: hold calls for longer than 4 s"),
    ],
)
def test_what_a_reader_must_know_of_what_was_heard_is_said(
    make_run: MakeRun, changed: dict[str, object], said: str
) -> None:
    """Where it is so, and not elsewhere."""
    odd = make_run(**CLEAN, heard={n: {"heard": changed} for n in range(40)})

    assert any(said in warning for warning in summarise(odd).warnings)
    assert not any(said in warning for warning in summarise(make_run(**CLEAN, heard={})).warnings)
