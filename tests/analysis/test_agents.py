"""The agent's own events to one row a room."""

from collections.abc import Mapping

import pytest

from analysis.agents import agent_table


def _event(event: str, name: str, **fields: object) -> Mapping[str, object]:
    empty = {"start_unix": None, "duration_s": None, "connected": None, "latencies_s": {}, "text": None}
    return {"unix": 0.0, "arm": "a", "room": "r1", "event": event, "name": name, **empty, **fields}


BEGAN = _event("span_started", "room_connect", start_unix=100.0)
CALLED_BACK = _event("span_ended", "room_connect", start_unix=100.0, duration_s=5.2, connected=True)
GIVEN_UP = _event("span_ended", "room_connect", start_unix=100.0, duration_s=25.0, connected=False)


def test_a_connect_is_known_by_its_end() -> None:
    """Its beginning, its length and the moment of the callback are those of the span."""
    row = agent_table([BEGAN, CALLED_BACK]).iloc[0]
    assert (row["room"], row["connect_began_unix"], row["room_connect_s"]) == ("r1", 100.0, 5.2)
    assert row["connected_unix"] == pytest.approx(105.2)


@pytest.mark.parametrize("events", [[BEGAN], [BEGAN, GIVEN_UP]])
def test_a_connect_whose_callback_never_came_has_only_a_beginning(
    events: list[Mapping[str, object]],
) -> None:
    """Whether its job was killed or gave up: a cancelled wait ends too, and is no connection."""
    row = agent_table(events)
    assert row["connect_began_unix"].tolist() == [100.0]
    assert row[["room_connect_s", "connected_unix"]].isna().all(axis=None)


def test_the_jobs_way_from_offer_to_entry_is_its_dispatch_latency() -> None:
    """The job's span carries it, whatever it says besides."""
    ended = _event("span_ended", "job_entrypoint", duration_s=9.0, latencies_s={"dispatch": 0.2})
    assert agent_table([ended])["job_dispatch_s"].tolist() == [0.2]


def test_the_two_sentences_of_the_log_that_matter_are_kept() -> None:
    """A filter that was given up, and a connection that was not there after ten seconds."""
    disabled = _event("log", "livekit", text="… - audio filter disabled, continuing without it: code -3")
    late = _event(
        "log", "livekit.agents", text="The room connection was not established within 10 seconds after …"
    )
    other = _event("log", "lab.agent", text="connected to room r1 in 0.2 s")
    table = agent_table([disabled, other, {**late, "room": "r2"}]).set_index("room")
    assert table["filter_given_up"].to_dict() == {"r1": True, "r2": False}
    assert table["warned_not_connected"].to_dict() == {"r1": False, "r2": True}


def test_the_labs_offset_is_taken_off() -> None:
    """With the lab's clock 3 s ahead a connect began 3 s earlier, and lasted as long."""
    row = agent_table([BEGAN, CALLED_BACK], offset_s=3.0).iloc[0]
    assert (row["connect_began_unix"], row["room_connect_s"]) == (97.0, 5.2)


def test_what_names_no_room_is_nobodys() -> None:
    """A process that has no job yet may warn of something too; no events make an empty table."""
    assert agent_table([{**BEGAN, "room": None}]).empty
    assert "room_connect_s" in agent_table([])
