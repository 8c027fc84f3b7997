"""RTP in a capture, packet by packet."""

import pytest

from benchmarks.capture import Packet
from benchmarks.errors import BenchmarkError
from benchmarks.rtp import ports_of_callers, receive_error_ms, send_jitter_ms
from tests.benchmarks.test_ladder import EPOCH, record
from tests.sip.caller import OFFER, request
from tests.sip.rtp_peer import packet

SIP, NEAR, FAR = 5060, 4000, 6000


def at(unix_s: float, data: bytes, *, here: int = NEAR, there: int = FAR) -> Packet:
    """A datagram from the caller, or with the ports exchanged one to it."""
    return Packet(round(unix_s * 1e9), here, there, data)


def test_where_a_caller_hears_is_in_its_invite() -> None:
    """By its Call-ID, whatever else goes to that port."""
    packets = [
        at(0, request("INVITE", body=OFFER), here=5099, there=SIP),
        at(1, request("BYE"), here=5099, there=SIP),
    ]

    assert ports_of_callers(packets, far_port=SIP) == {"call-1": 4000}


def test_jitter_is_the_distance_from_the_call_s_own_grid_of_20_ms() -> None:
    """By the numbers of the packets, which wrap; what comes, RTCP, and other calls are left out."""
    late_s = {3: 0.004, 5: -0.001}
    sent = [
        at(1000 + 0.02 * number + late_s.get(number, 0.0), packet(65_533 + number)) for number in range(9)
    ]
    others = [at(1000.001, packet(1), here=FAR, there=NEAR), at(1000.002, packet(1), here=4444)]
    report = at(1000.003, packet(1, type=200 - 128))

    found = send_jitter_ms([*others, report, *sent], [NEAR])

    assert found == pytest.approx([0, 0, 0, 4, 0, 1, 0, 0, 0], abs=1e-6)


def test_the_error_of_a_first_packet_is_against_the_first_that_came_after_the_answer() -> None:
    """On the wall clock; calls whose port was not captured are left out."""
    answered = record(answered_s=1.0, first_packet_s=1.0105)
    packets = [at(unix_s, packet(1), here=FAR, there=NEAR) for unix_s in (1000.99, 1001.01, 1001.03)]

    assert receive_error_ms(packets, {"one": NEAR}, [answered], EPOCH) == pytest.approx([0.5], abs=1e-6)
    assert receive_error_ms(packets, {"one": 4444}, [answered], EPOCH) == []


def test_a_packet_that_is_on_record_alone_is_an_error() -> None:
    """The capture was not whole."""
    answered = record(answered_s=5.0, first_packet_s=5.1)
    packets = [at(1001, packet(1), here=FAR, there=NEAR)]

    with pytest.raises(BenchmarkError, match="the capture lacks the first packet of call 0"):
        receive_error_ms(packets, {"one": NEAR}, [answered], EPOCH)
