"""The ways in which a real call can end; SIPp is the far end."""

import dataclasses
import itertools
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from sip.media import Media
from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from sip.trunk import Trunk
from tests.sip.conftest import SILENT

Answering = Callable[..., Trunk]
Place = Callable[..., list[CallRecord]]
pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_answered_call_is_measured_from_its_invite_to_the_answer_of_its_bye(
    sipp: Answering, place: Place, tmp_path: Path, transport: str
) -> None:
    """Every stamp is there and in order, RTP went both ways, and the far end saw the call's id."""
    with Pool(sipp("answer", transport), log_folder=tmp_path) as pool:
        records = place(pool)

    assert [record.outcome for record in records] == [Outcome.ANSWERED] * 2
    for record in records:
        stamps = [
            record.due_s,
            record.invite_s,
            record.trying_s,
            record.ringing_s,
            record.answered_s,
            record.first_packet_s,
            record.first_audio_s,
            record.bye_s,
            record.bye_answered_s,
        ]
        known = [stamp for stamp in stamps if stamp is not None]
        assert len(known) == len(stamps)
        assert all(before <= after for before, after in itertools.pairwise(known))
        assert record.answered_s is not None
        assert record.ringing_s is not None
        assert 0.19 <= record.answered_s - record.ringing_s < 5  # the scenario rings for 200 ms
        assert (record.sip_status, record.sip_reason, record.ended_by) == (200, "OK", "caller")
        assert record.silent is False
        assert record.to_tag is not None
        assert record.to_tag.startswith("far")
        assert record.rtp is not None
        assert record.bye_answered_s is not None
        spoke_s = record.bye_answered_s - record.answered_s
        assert 0 < record.rtp.received <= record.rtp.sent <= 50 * spoke_s + 30


def test_media_before_the_answer_is_not_taken_for_the_agent(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """After a 183 with SDP our voice still waits for the 200, and so do first packet and first sound."""
    with Pool(sipp("early"), log_folder=tmp_path) as pool:
        (record,) = place(pool, 1)

    assert record.outcome is Outcome.ANSWERED
    assert record.answered_s is not None
    assert record.first_packet_s is not None
    assert record.first_audio_s is not None
    assert record.ringing_s is not None
    assert record.ringing_s < record.answered_s < record.first_packet_s < record.first_audio_s


SILENCE, TONE = b"\xff" * 80, (b"\x10" * 8 + b"\x90" * 8) * 5  # 10 ms of mu-law


@pytest.mark.parametrize("media", [Media.PUMP, Media.PJSUA2])
def test_the_first_audible_sound_is_the_far_end_s_whatever_the_caller_says(
    sipp: Answering, place: Place, tmp_path: Path, media: Media
) -> None:
    """What comes in is silent for 0.3 s of its stream."""
    (tmp_path / "far.ulaw").write_bytes(SILENCE * 30 + TONE * 100)
    with Pool(sipp("play"), log_folder=tmp_path, media=media) as pool:
        (record,) = place(pool, 1, hold_s=1.0)

    assert record.first_packet_s is not None
    assert record.first_audio_s is not None
    assert 0.15 < record.first_audio_s - record.first_packet_s < 1


@pytest.mark.parametrize("media", [Media.PUMP, Media.PJSUA2])
def test_a_far_end_that_sends_silence_is_silent(
    sipp: Answering, place: Place, tmp_path: Path, media: Media
) -> None:
    """Packets are no sound, and the caller's own voice is not the far end's."""
    (tmp_path / "far.ulaw").write_bytes(SILENCE * 200)
    with Pool(sipp("play"), log_folder=tmp_path, media=media) as pool:
        (record,) = place(pool, 1, hold_s=1.0)

    assert record.outcome is Outcome.ANSWERED
    assert record.first_packet_s is not None
    assert (record.first_audio_s, record.silent) == (None, True)


def test_a_call_that_rings_on_is_cancelled_at_the_ring_timeout(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """The far end sees a CANCEL, and its 487 comes back."""
    with Pool(sipp("ring"), log_folder=tmp_path) as pool:
        records = place(pool, **SILENT)

    for record in records:
        assert (record.outcome, record.sip_status, record.status_is_local) == (Outcome.UNANSWERED, 487, False)
        assert record.cancel_s is not None
        assert record.ringing_s is not None
        assert 0 <= record.cancel_s - record.ringing_s - SILENT["ring_timeout_s"] < 1


def test_a_200_that_crosses_the_cancel_is_acknowledged_and_hung_up(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """No call is left up at the far end, which sees ACK and BYE."""
    with Pool(sipp("cross"), log_folder=tmp_path) as pool:
        (record,) = place(pool, 1, **SILENT)

    assert (record.outcome, record.sip_status) == (Outcome.UNANSWERED, 200)
    assert record.bye_answered_s is not None


def test_a_cancel_that_is_not_answered_holds_its_line_for_a_bounded_time(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """The record says who made the status up."""
    with Pool(sipp("mute_cancel"), log_folder=tmp_path) as pool:
        (record,) = place(pool, 1, **SILENT)

    assert (record.outcome, record.status_is_local) == (Outcome.UNANSWERED, True)
    assert record.ended_s is not None
    assert record.cancel_s is not None
    assert 0 < record.ended_s - record.cancel_s < SILENT["final_after_cancel_s"] + 1


@pytest.mark.parametrize(
    ("scenario", "status", "reason", "outcome"),
    [
        ("busy", 486, "Rejected", Outcome.AGENT_FAILED),
        ("refuse", 403, "Forbidden", Outcome.TRUNK_LIMIT),
        ("redirect", 302, "Moved Temporarily", Outcome.REDIRECTED),
    ],
)
def test_a_rejection_keeps_the_far_ends_status_and_reason(
    sipp: Answering, place: Place, tmp_path: Path, scenario: str, status: int, reason: str, outcome: Outcome
) -> None:
    """486 after ringing is the agent's failure, 403 the trunk's limit, and a 302 is never followed."""
    with Pool(sipp(scenario), log_folder=tmp_path) as pool:
        (record,) = place(pool, 1)

    assert (record.sip_status, record.sip_reason, record.status_is_local) == (status, reason, False)
    assert (record.outcome, record.ended_by) == (outcome, "callee")
    assert record.to_tag is not None


def test_a_digest_challenge_is_answered_within_the_one_attempt(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """The first INVITE's stamp stays, and the password is in no log."""
    trunk = dataclasses.replace(sipp("challenge"), user="alice", password="not-to-be-logged")  # noqa: S106
    with Pool(trunk, log_folder=tmp_path) as pool:
        (record,) = place(pool, 1)

    assert (record.outcome, record.sip_status) == (Outcome.ANSWERED, 200)
    assert all("not-to-be-logged" not in log.read_text(errors="replace") for log in tmp_path.glob("*.log"))


def test_a_challenge_without_credentials_is_a_misconfiguration(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """The 407 is the attempt's final status."""
    with Pool(sipp("challenge"), log_folder=tmp_path) as pool:
        (record,) = place(pool, 1)

    assert (record.outcome, record.sip_status) == (Outcome.MISCONFIGURED, 407)


def test_a_far_end_that_hangs_up_ends_the_call(sipp: Answering, place: Place, tmp_path: Path) -> None:
    """Its RTP counters are kept, and no BYE of ours is on record."""
    with Pool(sipp("hang_up"), log_folder=tmp_path) as pool:
        (record,) = place(pool, 1, hold_s=10.0)

    assert (record.outcome, record.ended_by, record.bye_s) == (Outcome.ANSWERED, "callee", None)
    assert record.rtp is not None
    assert record.rtp.received > 0


def test_a_bye_that_is_not_answered_ends_the_call_all_the_same(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """The disconnect delay is unknown then, the outcome is not."""
    with Pool(sipp("mute_bye"), log_folder=tmp_path) as pool:
        (record,) = place(pool, 1, **SILENT)

    assert (record.outcome, record.bye_answered_s) == (Outcome.ANSWERED, None)
    assert record.bye_s is not None


def test_a_trunk_that_refuses_connections_gives_no_response(place: Place, tmp_path: Path) -> None:
    """The 503 that the stack makes up for it is marked and never taken for the system's."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # held, so that nobody else takes it, and not listening
        trunk = Trunk.parse(f"sip:127.0.0.1:{closed.getsockname()[1]};transport=tcp")
        with Pool(trunk, log_folder=tmp_path) as pool:
            (record,) = place(pool, 1)

    assert (record.outcome, record.status_is_local) == (Outcome.NO_RESPONSE, True)
