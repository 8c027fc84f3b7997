"""The called side of a call, message by message, without a clock or a socket."""

import gc
import heapq
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.manner import Manner, Service
from sip.message import Packet, Peer
from sip.sdp import FarMedia
from sip.seat import Seat
from tests.sip.caller import HERE, OFFER, OVER_TCP, Exchange, header, request, status, tag_of

SLOW = Manner(ring_s=5.0)
T1_S = 0.5
GONE_S = 32.0  # 64 T1: after that, nothing is remembered


def statuses(packets: list[Packet]) -> list[int]:
    """One after the other."""
    return [status(packet) for packet in packets]


def answers(exchange: Exchange, end_s: float) -> list[tuple[float, int]]:
    """When each final response comes for the first time."""
    first: dict[str, tuple[float, int]] = {}
    for at_s, packet in exchange.until(end_s):
        first.setdefault(header(packet, "Call-ID")[0], (at_s, status(packet)))
    return [*first.values()]


def test_a_call_is_tried_rings_and_is_answered_when_its_ring_time_is_over() -> None:
    """100 and 180 at once, 200 with SDP then."""
    exchange = Exchange(Manner(ring_s=2.0))

    at_once = exchange.invite()
    [(at_s, accepted)] = exchange.until(2.0)

    assert statuses(at_once) == [100, 180]
    assert (at_s, status(accepted)) == (2.0, 200)
    assert header(accepted, "Content-Type") == ["application/sdp"]
    assert b"m=audio 6000 RTP/AVP 0 101\r\n" in accepted.data


def test_responses_carry_what_the_standard_says() -> None:
    """Via, From, Call-ID and CSeq as they came; one tag and the routes in 180 and 200, no tag in 100."""
    exchange = Exchange()
    routes = "Record-Route: <sip:one;lr>\r\nRecord-Route: <sip:two;lr>\r\n"

    trying, ringing = exchange.invite(more=routes)
    [(_, accepted)] = exchange.until(0.1)

    for packet in (trying, ringing, accepted):
        assert header(packet, "Via") == [
            "SIP/2.0/UDP 127.0.0.1:5099;rport=5099;branch=z9hG4bK1-invite;received=127.0.0.1"
        ]
        assert header(packet, "From") == ["<sip:caller@127.0.0.1>;tag=from1"]
        assert header(packet, "Call-ID") == ["call-1"]
        assert header(packet, "CSeq") == ["1 INVITE"]
    assert tag_of(trying) == ""
    assert tag_of(ringing) == tag_of(accepted) != ""
    for packet in (ringing, accepted):
        assert header(packet, "Record-Route") == ["<sip:one;lr>", "<sip:two;lr>"]
        assert header(packet, "Contact") == ["<sip:127.0.0.1:5060>"]


def test_calls_beyond_those_that_are_set_up_at_once_ring_in_a_queue() -> None:
    """Two servers of a second each take two calls a second, in the order in which they came."""
    exchange = Exchange(Manner(ring_s=1.0, at_once=2))
    for call in range(5):
        assert statuses(exchange.invite(call)) == [100, 180]

    assert answers(exchange, 4.0) == [(1.0, 200), (1.0, 200), (2.0, 200), (2.0, 200), (3.0, 200)]


@settings(deadline=None)
@given(
    servers=st.integers(1, 4),
    gaps_s=st.lists(st.sampled_from([0.0, 0.125, 0.25, 0.5, 2.0]), min_size=1, max_size=30),
)
def test_answers_come_when_queueing_theory_says(servers: int, gaps_s: list[float]) -> None:
    """Each call goes to the server that is free first, whatever the arrivals (Kiefer and Wolfowitz 1955)."""
    exchange = Exchange(Manner(ring_s=0.5, at_once=servers))
    free_s = [0.0] * servers
    expected: dict[str, float] = {}
    came: list[tuple[float, Packet]] = []
    for call, gap_s in enumerate(gaps_s):
        came += exchange.until(exchange.now_s + gap_s)
        begin_s = max(exchange.now_s, heapq.heappop(free_s))
        heapq.heappush(free_s, begin_s + 0.5)
        expected[f"call-{call}"] = begin_s + 0.5
        exchange.invite(call)
    came += exchange.until(100.0)

    answered: dict[str, float] = {}
    for at_s, packet in came:
        if packet.data.startswith(b"SIP/2.0 200"):
            answered.setdefault(header(packet, "Call-ID")[0], at_s)
    assert answered == expected


def test_a_late_look_at_the_clock_does_not_slow_the_servers_down() -> None:
    """The next call is served from when the last one was due, not from when somebody looked."""
    exchange = Exchange(Manner(ring_s=1.0, at_once=1))
    for call in range(3):
        exchange.invite(call)

    late = exchange.side.run(1.9)

    assert statuses(late) == [200, 200]  # the first, and again after T1
    assert exchange.side.next_s == 2.0


def test_a_caller_who_gives_up_leaves_the_queue() -> None:
    """The one that waits and the one that is served; the third is served from then on."""
    exchange = Exchange(Manner(ring_s=1.0, at_once=1))
    for call in range(3):
        exchange.invite(call)
    exchange.until(0.5)

    for call in (1, 0):
        assert statuses(exchange.send(request("CANCEL", call))) == [200, 487]
        exchange.send(request("ACK", call))

    assert answers(exchange, 3.0) == [(1.5, 200)]


def test_service_times_are_drawn_and_the_same_for_the_same_seed() -> None:
    """Exponential ones have the mean that was asked for."""
    manner = Manner(ring_s=0.2, service=Service.EXPONENTIAL, seed=3)
    drawn = []
    for _ in range(2):
        exchange = Exchange(manner)
        for call in range(400):
            exchange.invite(call)
        drawn.append([at_s for at_s, _ in answers(exchange, 5.0)])

    assert drawn[0] == drawn[1]
    assert sum(drawn[0]) / 400 == pytest.approx(0.2, rel=0.15)


def test_a_share_of_the_calls_is_busy_after_ringing() -> None:
    """They take their ring time, and give their server back."""
    exchange = Exchange(Manner(ring_s=1.0, at_once=400, busy_share=0.25))
    for call in range(400):
        exchange.invite(call)

    counts = Counter(code for _, code in answers(exchange, 1.0))

    assert set(counts) == {200, 486}
    assert counts[486] == pytest.approx(100, abs=30)
    assert exchange.side.calls_up == counts[200]


def test_calls_beyond_the_limit_are_refused_until_one_is_over() -> None:
    """Those that ring count as well."""
    exchange = Exchange(replace(SLOW, limit=1))
    exchange.invite(1)

    assert statuses(exchange.invite(2)) == [100, 503]

    exchange.send(request("CANCEL", 1))
    assert statuses(exchange.invite(3)) == [100, 180]


def test_every_call_can_be_refused_or_left_without_ringing() -> None:
    """With the status asked for; or with a 100 alone, which a CANCEL ends."""
    assert statuses(Exchange(Manner(status=480)).invite()) == [100, 480]

    silent = Exchange(Manner(silent=True))
    assert statuses(silent.invite()) == [100]
    assert silent.until(100.0) == []
    assert statuses(silent.send(request("CANCEL"))) == [200, 487]


def test_an_invite_that_comes_again_is_no_second_call() -> None:
    """It gets what was said last; nothing once the 200 is on its way by itself."""
    exchange = Exchange()
    _, ringing = exchange.invite()

    assert exchange.invite() == [ringing]

    exchange.until(0.1)
    assert exchange.invite() == []
    assert exchange.side.calls_up == 1


def test_the_same_invite_by_another_way_is_refused() -> None:
    """It has been forked and merged again on its way (RFC 3261 section 8.2.2.2)."""
    exchange = Exchange(SLOW)
    exchange.invite()

    assert statuses(exchange.invite(branch="other")) == [482]


@pytest.mark.parametrize("peer", [HERE, OVER_TCP])
def test_a_200_comes_again_until_its_ack_over_any_transport(peer: Peer) -> None:
    """After T1, twice that, up to T2 (RFC 3261 section 13.3.1.4)."""
    exchange = Exchange(Manner(ring_s=0.0), peer)
    *_, accepted = exchange.invite()

    again = exchange.until(8.0)
    exchange.send(request("ACK", branch="ack", to_tag=tag_of(accepted)))

    assert again == [(at_s, accepted) for at_s in (0.5, 1.5, 3.5, 7.5)]
    assert exchange.until(100.0) == []


def test_a_200_that_is_never_acknowledged_ends_in_a_bye() -> None:
    """After 64 T1, along the route that the INVITE came; it too comes again until it is answered."""
    exchange = Exchange(Manner(ring_s=0.0))
    exchange.invite(more="Record-Route: <sip:one;lr>\r\n")

    byes = [(at_s, packet) for at_s, packet in exchange.until(33.0) if packet.data.startswith(b"BYE")]

    assert [at_s for at_s, _ in byes] == [32.0, 32.5]
    bye = byes[0][1]
    assert bye.data.startswith(b"BYE sip:caller@127.0.0.1:5099 SIP/2.0\r\n")
    assert header(bye, "Route") == ["<sip:one;lr>"]
    assert header(bye, "To") == ["<sip:caller@127.0.0.1>;tag=from1"]
    assert exchange.side.calls_up == 0
    via = header(bye, "Via")[0]
    rest = "From: a\r\nTo: b\r\nCall-ID: call-1\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
    exchange.send(f"SIP/2.0 200 OK\r\nVia: {via}\r\n{rest}".encode())
    assert exchange.until(200.0) == []


def test_a_refusal_comes_again_until_its_ack_over_udp_alone() -> None:
    """A connection loses nothing (RFC 3261 section 17.2.1)."""
    over_udp, over_tcp = Exchange(Manner(status=403)), Exchange(Manner(status=403), OVER_TCP)
    refused = over_udp.invite()[-1]
    over_tcp.invite()

    assert over_udp.until(2.0) == [(0.5, refused), (1.5, refused)]
    assert over_udp.invite() == [refused]
    over_udp.send(request("ACK"))
    assert over_udp.invite() == []
    assert over_udp.until(100.0) == []
    assert over_tcp.until(100.0) == []


def test_a_bye_ends_a_call_once() -> None:
    """The same BYE again gets its 200 again, another one 481."""
    exchange = Exchange()
    tag = exchange.answered()

    bye = request("BYE", cseq=2, branch="bye", to_tag=tag)
    assert statuses(exchange.send(bye)) == [200]
    assert exchange.side.calls_up == 0
    assert statuses(exchange.send(bye)) == [200]
    assert statuses(exchange.send(request("BYE", cseq=3, branch="bye-2", to_tag=tag))) == [481]


def test_a_bye_before_the_answer_ends_the_invite_too() -> None:
    """Whoever is called answers what is pending all the same (RFC 3261 section 15.1.2)."""
    exchange = Exchange(SLOW)
    tag = tag_of(exchange.invite()[-1])

    assert statuses(exchange.send(request("BYE", cseq=2, branch="bye", to_tag=tag))) == [200, 487]


def test_a_cancel_that_crosses_the_200_changes_nothing() -> None:
    """It is answered, and the call is up (RFC 3261 section 9.2)."""
    exchange = Exchange(Manner(ring_s=0.0))
    *_, accepted = exchange.invite()

    assert statuses(exchange.send(request("CANCEL"))) == [200]
    assert exchange.side.calls_up == 1
    exchange.send(request("ACK", branch="ack", to_tag=tag_of(accepted)))
    bye = request("BYE", cseq=2, branch="bye", to_tag=tag_of(accepted))
    assert statuses(exchange.send(bye)) == [200]


def test_a_cancel_gets_the_tag_of_the_call_it_ends() -> None:
    """200 and 487, and the same for a second copy but the 487."""
    exchange = Exchange(SLOW)
    tag = tag_of(exchange.invite()[-1])

    done, terminated = exchange.send(request("CANCEL"))

    assert (header(done, "CSeq"), header(terminated, "CSeq")) == (["1 CANCEL"], ["1 INVITE"])
    assert tag_of(done) == tag_of(terminated) == tag
    assert exchange.send(request("CANCEL")) == [done]
    assert exchange.side.calls_up == 0


def test_a_call_that_is_up_is_renegotiated() -> None:
    """200 with SDP until its ACK; a codec that does not fit is refused, and the call goes on."""
    exchange = Exchange()
    tag = exchange.answered()

    hold = OFFER + "a=sendonly\r\n"
    [accepted] = exchange.send(request("INVITE", cseq=2, branch="re-1", to_tag=tag, body=hold))
    assert b"a=recvonly\r\n" in accepted.data
    assert exchange.until(1.0)[0][1] == accepted
    exchange.send(request("ACK", cseq=2, branch="ack-2", to_tag=tag))

    g729 = OFFER.replace("RTP/AVP 0 101", "RTP/AVP 18")
    assert statuses(exchange.send(request("INVITE", cseq=3, branch="re-2", to_tag=tag, body=g729))) == [488]
    exchange.send(request("ACK", cseq=3, branch="re-2", to_tag=tag))
    assert statuses(exchange.send(request("INVITE", cseq=2, branch="re-3", to_tag=tag, body=OFFER))) == [500]
    assert exchange.side.calls_up == 1


@pytest.mark.parametrize("method", ["BYE", "INFO", "OPTIONS", "INVITE"])
def test_a_request_in_a_call_that_is_not_there_is_told_so(method: str) -> None:
    """481 for a tag that was never given."""
    exchange = Exchange()
    exchange.answered()

    assert statuses(exchange.send(request(method, cseq=2, branch="x", to_tag="nobody"))) == [481]


def test_what_is_outside_of_calls_is_answered() -> None:
    """OPTIONS by 200, what is not known by 501, both with what is; a CANCEL or BYE of nothing by 481."""
    exchange = Exchange()

    [options] = exchange.send(request("OPTIONS"))
    [unknown] = exchange.send(request("SUBSCRIBE"))

    assert (status(options), status(unknown)) == (200, 501)
    assert header(options, "Allow") == header(unknown, "Allow") == ["INVITE, ACK, CANCEL, BYE, OPTIONS"]
    assert tag_of(options) == tag_of(exchange.send(request("OPTIONS"))[0]) != ""
    assert statuses(exchange.send(request("CANCEL"))) == [481]
    assert statuses(exchange.send(request("BYE"))) == [481]
    assert exchange.send(request("ACK")) == []


def test_an_offer_that_does_not_fit_is_refused_without_ringing() -> None:
    """488, and no call is up."""
    exchange = Exchange()
    packets = exchange.send(request("INVITE", body=OFFER.replace("RTP/AVP 0 101", "RTP/AVP 18")))

    assert statuses(packets) == [100, 488]
    assert exchange.side.calls_up == 0


def test_what_is_over_is_forgotten_and_leaves_no_cycles() -> None:
    """Answered, cancelled, never acknowledged: reference counts alone free all of them."""
    gc.collect()
    exchange = Exchange()
    exchange.send(request("BYE", cseq=2, branch="bye", to_tag=exchange.answered(1)))
    exchange.invite(2)
    exchange.send(request("CANCEL", 2))
    exchange.invite(3)

    exchange.until(4 * GONE_S)

    assert exchange.side.next_s is None
    assert statuses(exchange.send(request("CANCEL", 2))) == [481]
    assert gc.collect() == 0


REQUESTS = st.builds(
    lambda method, call, cseq, branch, tagged: (method, call, cseq, branch, tagged),
    st.sampled_from(["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO"]),
    st.integers(1, 2),
    st.integers(1, 3),
    st.sampled_from(["a", "b", "c"]),
    st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(
    turns=st.lists(st.tuples(REQUESTS, st.sampled_from([0.0, 0.1, 0.6, 33.0])), max_size=25),
    manner=st.sampled_from(
        [Manner(), Manner(ring_s=0.0), Manner(at_once=1), Manner(busy_share=1.0), Manner(limit=1)]
    ),
)
def test_whatever_is_asked_in_whatever_order_a_transaction_has_one_final_response(
    turns: list[tuple[tuple[str, int, int, str, bool], float]], manner: Manner
) -> None:
    """Nothing is raised, and the final response to an INVITE is the same whenever it is sent."""
    exchange = Exchange(manner)
    tags: dict[int, str] = {}
    finals: dict[tuple[str, str, str], set[bytes]] = {}
    waits = [wait_s for _, wait_s in turns]
    for (method, call, cseq, branch, tagged), wait_s in turns:
        to_tag = tags.get(call, "unknown") if tagged else ""
        body = OFFER if method == "INVITE" else ""
        packets = exchange.send(
            request(method, call, cseq=cseq, branch=f"{branch}{cseq}", to_tag=to_tag, body=body)
        )
        packets += [packet for _, packet in exchange.until(exchange.now_s + wait_s)]
        for packet in packets:
            if packet.data.startswith(b"SIP/2.0"):
                tags[call] = tag_of(packet) or to_tag
                if status(packet) >= 200 and header(packet, "CSeq")[0].endswith("INVITE"):
                    key = (header(packet, "Call-ID")[0], header(packet, "Via")[0], header(packet, "CSeq")[0])
                    finals.setdefault(key, set()).add(packet.data)

    assert 0 <= exchange.side.calls_up <= 2
    if sum(waits) < GONE_S:  # after that a copy is a request like any other
        assert all(len(said) == 1 for said in finals.values())


class Said:
    """Seats one after the other, and what was said to them."""

    def __init__(self) -> None:
        self.said: list[tuple[str | int | float | None, ...]] = []
        self._taken = 0

    def take(self) -> Seat:
        """Ports of its own for each."""
        self._taken += 1
        return Seat(self._taken, 7000 + 2 * self._taken, 7001 + 2 * self._taken)

    def speak(self, seat: Seat, far: FarMedia, *, answered_s: float) -> None:
        """Where to, and since when."""
        self.said.append(("speak", seat.ear, far.host, far.port, answered_s))

    def give_back(self, seat: Seat) -> None:
        """Which."""
        self.said.append(("give back", seat.ear))


@pytest.fixture
def voices() -> Said:
    """What the voices of an exchange are told."""
    return Said()


def test_a_call_has_a_seat_from_its_answer_to_its_bye(voices: Said) -> None:
    """The 200 names its ports, and speaking begins with that, to where the offer says."""
    exchange = Exchange(Manner(ring_s=2.0), voices=voices)
    exchange.invite()
    assert voices.said == []
    [(_, accepted)] = exchange.until(2.0)

    assert b"m=audio 7002 RTP/AVP 0 101\r\n" in accepted.data
    assert b"a=rtcp:7003\r\n" in accepted.data
    assert voices.said == [("speak", 1, "127.0.0.1", 4000, 2.0)]
    exchange.send(request("BYE", cseq=2, branch="bye", to_tag=tag_of(accepted)))
    assert voices.said[1:] == [("give back", 1)]


def test_a_call_that_is_never_answered_has_no_seat(voices: Said) -> None:
    """Cancelled, or with an offer that does not fit."""
    exchange = Exchange(SLOW, voices=voices)
    exchange.invite()
    exchange.send(request("CANCEL"))
    exchange.send(request("INVITE", 2, body="v=0\r\n"))
    exchange.until(100.0)

    assert voices.said == []
    assert exchange.side.calls_up == 0


def test_a_caller_that_moves_is_spoken_to_where_it_went(voices: Said) -> None:
    """A re-INVITE keeps the seat and the time of the answer."""
    exchange = Exchange(voices=voices)
    tag = exchange.answered()
    exchange.now_s = 9.0
    moved = OFFER.replace("audio 4000", "audio 4002")
    [accepted] = exchange.send(request("INVITE", cseq=2, branch="again", to_tag=tag, body=moved))

    assert b"m=audio 7002 " in accepted.data
    assert voices.said == [("speak", 1, "127.0.0.1", port, 0.1) for port in (4000, 4002)]


def test_where_the_offer_is_ours_the_caller_is_where_its_ack_says(voices: Said) -> None:
    """The answer to an offer in a 200 comes in the ACK (section 13.2.1)."""
    exchange = Exchange(Manner(ring_s=0.0), voices=voices)
    accepted = exchange.send(request("INVITE"))[-1]
    assert voices.said == []
    exchange.send(request("ACK", branch="ack", to_tag=tag_of(accepted), body=OFFER))

    assert voices.said == [("speak", 1, "127.0.0.1", 4000, 0.0)]


def test_a_200_that_is_never_acknowledged_gives_its_seat_back(voices: Said) -> None:
    """With the BYE that ends the call."""
    exchange = Exchange(voices=voices)
    exchange.invite()
    exchange.until(100.0)

    assert voices.said[-1] == ("give back", 1)
