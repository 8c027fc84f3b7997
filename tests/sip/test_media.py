"""Calls whose audio is not carried."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from sip.campaign import Campaign
from sip.media import Media
from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from sip.trunk import Trunk
from tests.sip.conftest import SILENT
from tests.sip.test_invite import far_end
from tests.sip.test_pool import udp_sockets

Answering = Callable[..., Trunk]
Place = Callable[..., list[CallRecord]]
pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]


def test_calls_without_media_are_answered_and_have_no_rtp(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """Not a socket more than an idle worker has; whether they were silent nobody knows."""
    while_up: set[int] = set()

    def look(campaign: Campaign) -> None:
        if campaign.calls_up == 4:
            while_up.add(len(udp_sockets(pool)))

    with Pool(sipp("answer"), log_folder=tmp_path, max_concurrent=4, media=Media.NONE) as pool:
        idle = len(udp_sockets(pool))
        records = place(pool, 4, rate=50.0, during=look)

    assert [record.outcome for record in records] == [Outcome.ANSWERED] * 4
    for record in records:
        assert (record.rtp, record.first_packet_s, record.silent) == (None, None, None)
    assert while_up == {idle}


def test_an_offer_without_media_names_our_own_address_and_the_port_that_discards(
    place: Place, tmp_path: Path
) -> None:
    """The trunk's audio is to hit neither a socket of the tester's nor the trunk's own machine."""
    with far_end() as (trunk, invites):
        with Pool(trunk, log_folder=tmp_path, media=Media.NONE) as pool:
            place(pool, 1, **SILENT)
        ((_, lines),) = invites().values()

    media = [line for line in lines if line.startswith(("c=", "m="))]
    assert media == ["m=audio 9 RTP/AVP 0 120", "c=IN IP4 127.0.0.1"]


def test_the_pump_carries_what_the_sip_stack_signals(sipp: Answering, place: Place, tmp_path: Path) -> None:
    """RTP goes both ways from the port that the INVITE announced, and what is echoed is heard."""
    with Pool(sipp("answer"), log_folder=tmp_path, max_concurrent=4, media=Media.PUMP) as pool:
        records = place(pool, 4, rate=50.0, hold_s=1.0)
        names = [load.name for load in pool.health().processes]

    assert [record.outcome for record in records] == [Outcome.ANSWERED] * 4
    for record in records:
        assert record.rtp is not None
        assert record.heard is not None
        assert 0 < record.rtp.received <= record.rtp.sent
        assert record.answered_s is not None
        assert record.first_packet_s is not None
        assert record.first_packet_s > record.answered_s
        assert record.heard.strangers == 0
        assert record.silent is True  # the caller listens for its turn, and so does an echo
    assert "pump" in names


@pytest.mark.parametrize(("by", "looks"), [(signal.SIGKILL, 5), (signal.SIGSTOP, 2)])
def test_a_pump_that_dies_or_freezes_loses_its_calls_and_is_replaced(
    sipp: Answering,
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    by: signal.Signals,
    looks: int,
) -> None:
    """They are hung up as they should be and count for the tester; the next ones are heard."""
    monkeypatch.setattr("sip.media_plane.FROZEN_LOOKS", looks)
    hit: list[int] = []

    def hit_it(campaign: Campaign) -> None:
        if (
            not hit
            and campaign.calls_up == 2
            and all(
                campaign.call(call_id).moment("answered")  # type: ignore[union-attr]
                for call_id in ("run-0", "run-1")
            )
        ):
            hit.extend(load.pid for load in pool.health().processes if load.name == "pump")
            os.kill(hit[0], by)

    with Pool(sipp("answer"), log_folder=tmp_path, max_concurrent=4, media=Media.PUMP) as pool:
        records = place(pool, 2, rate=50.0, hold_s=20.0, during=hit_it)
        again = place(pool, 2, rate=50.0, hold_s=0.5)
        restarts = pool.health().restarts

    for record in records:
        assert (record.outcome, record.error) == (Outcome.TESTER_FAILED, "the RTP pump died: see pump.log")
        assert record.bye_answered_s is not None
        assert record.ended_by == "tester"
    assert [record.outcome for record in again] == [Outcome.ANSWERED] * 2
    assert all(record.rtp and record.rtp.received for record in again)
    assert restarts == 1
