"""What the pool and its workers say to each other."""

import dataclasses
import socket

import pytest

from sip import phone, wire
from sip.access import Address
from sip.heard import Heard, RtpStats
from sip.media import Media
from sip.srtp import Srtp
from sip.tls import Tls
from sip.trunk import Trunk

ALIASED = (Address("127.96.16.1", "127.96.24.1"), Address("127.96.16.2", "127.96.24.2"))
SECURE = Trunk.parse("sips:h", user="u", password="p")  # noqa: S106 - of nobody
SECURE = dataclasses.replace(
    SECURE,
    tls=Tls("ca.pem", certificate="me.pem", key="me.key"),
    srtp=Srtp.OPTIONAL,
    headers=(("X-A", "1"), ("X-B", "2")),
)
HEARD = Heard(
    late=1,
    burst_ratio=None,
    gap_s=0.04,
    audible_s=1.0,
    last_audible_s=1.9,
    clipped_share=0.5,
    phrases=1,
    unanswered=0,
    waiting_s=None,
    talk_over_s=0.0,
    strangers=0,
    far_end_lost=None,
)
MESSAGES: list[wire.Message] = [
    wire.Ready(12, 5060, 4),
    wire.DialCommand("c", "sip:1@h", "sip:2@h"),
    wire.EndCommand("c", "bye"),
    wire.CloseCommand(),
    wire.WorkerSpec("worker-0", 0, Trunk("h"), ALIASED, False, 0, 4000, 8, "v.wav", "w.log"),
    wire.WorkerSpec("worker-1", 1, SECURE, (Address(""),), True, 0, 0, 0, "v.wav", "w.log", Media.NONE),
    phone.Rejected("c", 1.0, 486, "B\u00fcsy", is_local=False, to_tag=None),
    phone.Closed("c", 2.0, RtpStats(1, 2, 3, 4, 5, 0.5, None)),
    phone.Closed("c", 2.0, None),
    phone.Closed("c", 2.0, RtpStats(1, 2, 3, 4, 5, 0.5, None), HEARD),
    phone.Response("c", 1.5, 0.3),
    phone.Lost("c", 3.0, "worker died"),
]


def test_messages_arrive_as_they_were_sent() -> None:
    """Types, nested statistics and text survive the packet."""
    assert wire.decode(wire.encode(MESSAGES)) == MESSAGES


@pytest.mark.parametrize("packets", [0, 1, 3])
def test_receiving_takes_all_packets_that_are_there_and_never_blocks(packets: int) -> None:
    """An empty socket gives an empty list."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        for _ in range(packets):
            theirs.send(wire.encode([wire.CloseCommand()]))

        assert wire.receive(ours) == [wire.CloseCommand()] * packets


def test_what_was_said_before_the_other_side_went_is_still_heard() -> None:
    """Only after the last message the connection counts as gone."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        ours.setblocking(False)
        theirs.send(wire.encode([wire.CloseCommand()]))
        theirs.close()

        assert wire.receive(ours) == [wire.CloseCommand()]
        assert wire.receive(ours) is None
