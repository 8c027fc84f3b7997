"""Calls whose audio is not carried."""

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
