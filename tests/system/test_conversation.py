"""Callers and the lab's agents in conversation, against what the agents say that they did."""

import json
import re
import statistics
import wave

import pytest

from tests.locust_command import LocustCommand, assert_all_gone, lines

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(240)]
DELAY_S = 0.8
_ANSWERS = re.compile(r"answers ([\d.]+) s after the end of a phrase")
_CALLS = ("--arms", "a=none", "--livekit-sip", "embedded", "--warm-up", "0", "--arrivals", "constant")


def test_the_time_to_an_answer_is_the_agent_s_own_and_the_way_there_and_back(
    locust_command: LocustCommand,
) -> None:
    """Each phrase is answered, within what the way takes; each call is kept to be listened to."""
    locust_command.start(
        *("--calls", "3", "--calls-per-second", "1", "--hold", "9", "--record", "sample:1", *_CALLS),
        environment={"RINGTIME_RESPONSE_DELAY_S": str(DELAY_S)},
    )
    locust_command.end(timeout_s=150)
    folder = locust_command.folder()

    assert_all_gone(locust_command.relatives())
    rooms = {line["room"]: line["call_id"] for line in lines(folder / "room-events.jsonl") if line["call_id"]}
    answers: dict[str, list[float]] = {}
    for line in lines(folder / "agent-events.jsonl"):
        if said := _ANSWERS.match(line["text"] or ""):
            answers.setdefault(rooms[line["room"]], []).append(float(said[1]))
    records = locust_command.records()
    for record in records:
        assert answers[record["call_id"]]
        assert record["response_s"]
        assert record["heard"]["unanswered"] == 0
        with wave.open(str(folder / record["recording"])) as file:
            assert file.getnchannels() == 2
            assert file.getnframes() / file.getframerate() == pytest.approx(9, abs=0.5)
    truth_s = statistics.median(s for given_s in answers.values() for s in given_s)
    measured_s = statistics.median(s for record in records for s in record["response_s"])
    assert DELAY_S <= truth_s <= measured_s < truth_s + 1.0  # through two jitter buffers, on a busy machine


def test_agents_that_die_in_mid_call_are_seen_from_the_caller_s_side(locust_command: LocustCommand) -> None:
    """They greet and are never heard again, while every call stays up and its packets come."""
    locust_command.start(
        *("--calls", "3", "--calls-per-second", "1", "--hold", "12", "--gates", "went_silent<=0.1", *_CALLS),
        environment={"RINGTIME_GOES_SILENT_AFTER_S": "2"},
    )
    locust_command.end(timeout_s=150)

    for record in locust_command.records():
        assert (record["outcome"], record["silent"], record["ended_by"]) == ("answered", False, "caller")
        assert record["heard"]["waiting_s"] >= 5
        assert record["rtp"]["received"] > 0.9 * record["rtp"]["sent"]
        assert record["heard"]["last_audible_s"] < record["answered_s"] + 3
    summary = json.loads((locust_command.folder() / "summary.json").read_text())
    heard = summary["arms"]["a"]["heard"]
    assert heard["missing"] == {"went silent": 3}
    assert heard["went_silent_share"]["value"] == 1
