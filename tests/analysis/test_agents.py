"""The agent's own events to one row a room."""

import pytest
from msgspec.structs import replace

from analysis.agents import AgentEvent, Latencies, agent_table

BEGAN = AgentEvent("room_connect", room="r1", start_unix=100.0)
CALLED_BACK = replace(BEGAN, duration_s=5.2, connected=True)
GIVEN_UP = replace(BEGAN, duration_s=25.0, connected=False)


def test_a_connect_is_known_by_its_end() -> None:
    """Its beginning, its length and the moment of the callback are those of the span."""
    row = agent_table([BEGAN, CALLED_BACK]).iloc[0]
    assert (row["room"], row["connect_began_unix"], row["room_connect_s"]) == ("r1", 100.0, 5.2)
    assert row["connected_unix"] == pytest.approx(105.2)


def test_the_first_connect_that_was_called_back_is_the_rooms() -> None:
    """An agent that comes later, to a caller who has one, is not the one that was waited for."""
    later = replace(CALLED_BACK, start_unix=130.0, duration_s=1.0)
    row = agent_table([GIVEN_UP, replace(CALLED_BACK, start_unix=110.0), later]).iloc[0]
    assert (row["connect_began_unix"], row["room_connect_s"]) == (110.0, 5.2)


@pytest.mark.parametrize("events", [[BEGAN], [BEGAN, GIVEN_UP]])
def test_a_connect_whose_callback_never_came_has_only_a_beginning(
    events: list[AgentEvent],
) -> None:
    """Whether its job was killed or gave up: a cancelled wait ends too, and is no connection."""
    row = agent_table(events)
    assert row["connect_began_unix"].tolist() == [100.0]
    assert row[["room_connect_s", "connected_unix"]].isna().all(axis=None)


def test_the_jobs_way_from_offer_to_entry_is_its_dispatch_latency() -> None:
    """The job's span carries it, whatever it says besides."""
    ended = AgentEvent("job_entrypoint", room="r1", duration_s=9.0, latencies_s=Latencies(dispatch=0.2))
    assert agent_table([ended])["job_dispatch_s"].tolist() == [0.2]


def test_the_two_sentences_of_the_log_that_matter_are_kept() -> None:
    """A filter that was given up, and a connection that was not there after ten seconds."""
    disabled = AgentEvent(
        "livekit", room="r1", text="… - audio filter disabled, continuing without it: code -3"
    )
    late = AgentEvent(
        "livekit.agents",
        room="r2",
        text="The room connection was not established within 10 seconds after …",
    )
    other = AgentEvent("lab.agent", room="r1", text="connected to room r1 in 0.2 s")
    table = agent_table([disabled, other, late]).set_index("room")
    assert table["filter_given_up"].to_dict() == {"r1": True, "r2": False}
    assert table["warned_not_connected"].to_dict() == {"r1": False, "r2": True}


def test_the_labs_offset_is_taken_off() -> None:
    """With the lab's clock 3 s ahead a connect began 3 s earlier, and lasted as long."""
    row = agent_table([BEGAN, CALLED_BACK], offset_s=3.0).iloc[0]
    assert (row["connect_began_unix"], row["room_connect_s"]) == (97.0, 5.2)


def test_what_names_no_room_is_nobodys() -> None:
    """A process that has no job yet may warn of something too; no events make an empty table."""
    assert agent_table([replace(BEGAN, room=None)]).empty
    assert "room_connect_s" in agent_table([])
