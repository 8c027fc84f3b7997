"""The RTP pump, by what it sends and what it says of what it was sent; the far end is a socket."""

import os
import random
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sip.media import Pump, Speech
from sip.pump_words import FirstAudio, FirstPacket, Opened, Refused, Report, Response
from tests.sip.conftest import wait_until
from tests.sip.rtp_peer import FRAME, SILENCE, TONE, Packet, RtpPeer, Told, packet, write_tone

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]
PHRASE_S = 0.3


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A pump, and what it says; its callers say a short phrase."""
    folder = tmp_path_factory.mktemp("pump")
    write_tone(folder / "voice.wav", seconds=PHRASE_S, pause_s=0.5)
    pump = Pump(log=folder / "pump.log", voice=folder / "voice.wav")
    pump.open()
    try:
        yield Told(pump)
    finally:
        pump.close()
    assert (folder / "pump.log").read_text() == ""


@pytest.fixture
def peer() -> Iterator[RtpPeer]:
    """A far end."""
    with RtpPeer() as made:
        yield made


@pytest.fixture
def ear(told: Told) -> Iterator[tuple[int, int]]:
    """An ear's number and its port; it is stopped in any case."""
    number = random.getrandbits(31)
    told.pump.open_ear(number, "127.0.0.1")
    yield number, told.of(Opened, number).port
    told.pump.stop(number)


def stopped(told: Told, number: int) -> Report:
    """What it reports."""
    told.pump.stop(number)
    return told.of(Report, number)


def answered(told: Told, number: int, peer: RtpPeer) -> float:
    """The far end answers now."""
    now_s = time.monotonic()
    told.pump.start(number, peer.far(), answered_s=now_s)
    return now_s


def test_an_ear_has_an_even_port_and_the_next_one_for_rtcp(told: Told) -> None:
    """Any, or the first free pair of a range; where none is free that is said with the system's words."""
    pump = told.pump
    pump.open_ear(1, "127.0.0.1")
    any_port = told.of(Opened, 1)
    first = any_port.port
    for number in (2, 3):
        pump.open_ear(number, "127.0.0.2", first, 4)
    pair, next_pair = told.of(Opened, 2), told.of(Opened, 3)
    pump.open_ear(4, "127.0.0.2", first, 4)
    refused = told.of(Refused, 4)
    pump.stop(2)
    pump.open_ear(5, "127.0.0.2", first, 4)
    again = told.of(Opened, 5)

    for each in (any_port, pair, next_pair):
        assert (each.port % 2, each.rtcp_port) == (0, each.port + 1)
    assert (pair.port, next_pair.port) == (first, first + 2)
    assert refused.why == "Address already in use"
    assert again.port == pair.port
    for number in (1, 3, 5):
        pump.stop(number)


def test_the_first_packet_is_stamped_when_it_came(told: Told, peer: RtpPeer, ear: tuple[int, int]) -> None:
    """By the kernel: between the begin and the end of its sending, however late anybody looks."""
    number, port = ear
    answered(told, number, peer)
    before_s, after_s = peer.send(packet(1), port)

    assert before_s <= told.of(FirstPacket, number).at_s <= after_s


@pytest.mark.parametrize("early", [True, False])
def test_what_came_before_the_answer_was_known_of_is_judged_by_when_it_came(
    told: Told, peer: RtpPeer, ear: tuple[int, int], *, early: bool
) -> None:
    """Ringing tones before the answer are counted and not heard; what came after it loses nothing."""
    number, port = ear
    if early:
        told.pump.start(number, peer.far(), answered_s=None)
    for sequence in range(5):
        peer.send(packet(sequence, TONE), port)
    answered_s = time.monotonic()
    stamps = [peer.send(packet(sequence, TONE), port) for sequence in range(5, 10)]
    told.pump.start(number, peer.far(), answered_s=answered_s)

    assert stamps[0][0] <= told.of(FirstPacket, number).at_s <= stamps[0][1]
    assert stamps[0][0] <= told.of(FirstAudio, number).at_s <= stamps[0][1]
    report = stopped(told, number)
    assert (report.rtp.received, report.rtp.lost) == (10, 0)
    assert report.heard.audible_s == pytest.approx(0.1)


def test_a_sound_begins_with_its_first_loud_frame_and_a_click_is_none(
    told: Told, peer: RtpPeer, ear: tuple[int, int]
) -> None:
    """Silence, 10 ms of noise, silence, then a tone: the stamp is that of the tone's first packet."""
    number, port = ear
    answered(told, number, peer)
    sounds = [SILENCE] * 5 + [TONE[:80] + SILENCE[:80]] + [SILENCE] * 5
    for sequence, sound in enumerate(sounds):
        peer.send(packet(sequence, sound), port)
    before_s, after_s = peer.send(packet(len(sounds), TONE), port)
    peer.send(packet(len(sounds) + 1, TONE), port)

    assert before_s <= told.of(FirstAudio, number).at_s <= after_s


def test_steady_noise_is_not_the_agent_s_voice(told: Told, peer: RtpPeer, ear: tuple[int, int]) -> None:
    """Above the audible floor but all of one level; what rises well above it is heard."""
    number, port = ear
    answered(told, number, peer)
    noise = (b"\x60" * 8 + b"\xe0" * 8) * 10  # some -36 dBFS
    for sequence in range(20):
        peer.send(packet(sequence, noise), port)
    before_s, _ = peer.send(packet(20, TONE), port)
    peer.send(packet(21, TONE), port)

    assert told.of(FirstAudio, number).at_s >= before_s


def arrivals() -> st.SearchStrategy[list[int]]:
    """Numbers of a stream in the order in which they come: some never do, some twice, some late."""

    def moved(numbers: list[int], displaced: list[tuple[int, int]]) -> list[int]:
        for index, by in displaced:
            if index < len(numbers):
                numbers.insert(max(index - by, 0), numbers.pop(index))
        return numbers

    streams = st.lists(st.sampled_from([1, 1, 1, 1, 1, 0, 2]), min_size=1, max_size=120).map(
        lambda copies: [number for number, times in enumerate(copies) for _ in range(times)]
    )
    swaps = st.lists(st.tuples(st.integers(1, 119), st.integers(1, 8)), max_size=6)
    return st.builds(moved, streams, swaps).filter(bool)


def reference(numbers: list[int]) -> tuple[int, int, int, int]:
    """Received, lost, reordered and duplicates of a stream, counted by looking at all of it."""
    seen: set[int] = set()
    reordered = duplicates = 0
    for number in numbers:
        if number in seen:
            duplicates += 1
        elif seen and number < max(seen):
            reordered += 1
        seen.add(number)
    return len(seen), max(seen) - min(seen) + 1 - len(seen), reordered, duplicates


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=arrivals(), begin=st.sampled_from([0, 1000, 65_480, 65_535]))
def test_every_packet_is_counted_as_what_it_is(
    told: Told, peer: RtpPeer, numbers: list[int], begin: int
) -> None:
    """Whatever is lost, doubled or out of order, and through the wrap of the sequence number."""
    number = random.getrandbits(31)
    told.pump.open_ear(number, "127.0.0.1")
    port = told.of(Opened, number).port
    answered(told, number, peer)
    for each in numbers:
        peer.send(packet(begin + each), port)

    rtp = stopped(told, number).rtp
    assert (rtp.received, rtp.lost, rtp.reordered, rtp.duplicates) == reference(numbers)


def test_a_stream_that_begins_anew_loses_nothing(told: Told, peer: RtpPeer, ear: tuple[int, int]) -> None:
    """By another source, or by a jump that the next packet confirms; a stray number alone is no packet."""
    number, port = ear
    answered(told, number, peer)
    for sequence in (*range(10), 30_000, *range(10, 15), *range(50_000, 50_010)):
        peer.send(packet(sequence), port)
    for sequence in range(5):
        peer.send(packet(sequence + 777, ssrc=99), port)

    rtp = stopped(told, number).rtp
    # Of the confirmed jump the first packet only announced it (RFC 3550 appendix A.1).
    assert (rtp.received, rtp.lost, rtp.duplicates) == (15 + 9 + 5, 0, 0)


@pytest.mark.parametrize(
    ("forms", "counts"),
    [
        (packet(2, b"\x00" * 8 + TONE, first=0x82), True),  # two contributing sources
        (packet(2, struct.pack("!HHI", 0xBEDE, 1, 0) + TONE, first=0x90), True),  # an extension
        (packet(2, TONE + b"\x00\x00\x00\x04", first=0xA0), True),  # padding
        (packet(2, TONE, type=96), True),  # an unknown payload type: counted, not decoded
        (packet(2, b""), True),
        (packet(2, TONE, first=0x40), False),  # version 1
        (packet(2, TONE)[:11], False),
        (packet(2, struct.pack("!HH", 0xBEDE, 900) + TONE, first=0x90), False),  # longer than the packet
        (packet(2, TONE + b"\xff", first=0xA0), False),
        (b"", False),
        (b"GET / HTTP/1.1\r\n\r\n", False),
        (packet(2, bytes(8000)), False),  # more than any link carries whole
    ],
)
def test_every_form_of_a_packet_is_read_or_left(
    told: Told, peer: RtpPeer, ear: tuple[int, int], forms: bytes, *, counts: bool
) -> None:
    """What is no RTP changes nothing about what is."""
    number, port = ear
    answered(told, number, peer)
    peer.send(packet(1), port)
    peer.send(forms, port)
    peer.send(packet(3), port)

    rtp = stopped(told, number).rtp
    assert (rtp.received, rtp.lost) == ((3, 0) if counts else (2, 1))


def test_a_far_end_behind_a_nat_is_heard_and_a_stranger_is_not(
    told: Told, peer: RtpPeer, ear: tuple[int, int]
) -> None:
    """Its own address from another port, until the announced one is heard; never another address."""
    number, port = ear
    answered(told, number, peer)
    with RtpPeer() as behind_nat, RtpPeer() as second, RtpPeer("127.0.0.2") as stranger:
        for sequence in range(4):
            behind_nat.send(packet(sequence), port)
            second.send(packet(sequence + 500, ssrc=8), port)
            stranger.send(packet(sequence, TONE), port)
        peer.send(packet(4), port)
        behind_nat.send(packet(5), port)

    report = stopped(told, number)
    assert (report.rtp.received, report.heard.strangers) == (5, 4 + 4 + 1)
    assert report.heard.audible_s == 0


def listen(peer: RtpPeer, until: Callable[[list[Packet]], bool]) -> list[Packet]:
    """The packets up to the one with which that is true."""
    packets: list[Packet] = []
    while not until(packets):
        packets.append(peer.receive())
    return packets


def test_the_caller_speaks_every_20_ms_from_the_answer_on(
    told: Told, peer: RtpPeer, ear: tuple[int, int]
) -> None:
    """Silence while it listens; numbers and timestamps go on evenly, and only the first is marked."""
    number, port = ear
    began_s = answered(told, number, peer)
    packets = listen(peer, lambda so_far: len(so_far) == 25)

    assert [each.marker for each in packets] == [True] + [False] * 24
    assert {each.payload_type for each in packets} == {0}
    assert {each.port for each in packets} == {port}
    first = packets[0]
    assert [(each.sequence - first.sequence) % 65_536 for each in packets] == list(range(25))
    steps = {(each.timestamp - first.timestamp) % 2**32 // FRAME for each in packets}
    assert steps == set(range(25))
    assert not any(each.loud for each in packets)
    assert packets[-1].at_s - began_s >= 24 * 0.02 - 0.005
    assert stopped(told, number).rtp.sent >= 25


def test_a_caller_on_hold_is_silent_and_speaks_again_where_the_far_end_went(
    told: Told, peer: RtpPeer, ear: tuple[int, int]
) -> None:
    """A re-INVITE moves the far end; the counts go on."""
    number, port = ear
    answered_s = answered(told, number, peer)
    before = listen(peer, lambda so_far: len(so_far) == 3)
    told.pump.start(number, peer.far(hears=False), answered_s=answered_s)
    peer.send(packet(1), port)
    told.of(FirstPacket, number)
    with RtpPeer() as moved:
        told.pump.start(number, moved.far(payload_type=8), answered_s=answered_s)
        after = listen(moved, lambda so_far: len(so_far) == 3)
        moved.send(packet(2), port)
        peer.send(packet(3), port)
        report = stopped(told, number)

    assert {each.ssrc for each in (*before, *after)} == {before[0].ssrc}
    assert {(each.payload_type, each.payload[:1]) for each in after} == {(8, b"\xd5")}
    assert (report.rtp.received, report.heard.strangers) == (2, 1)


def test_digits_are_keyed_in_as_telephone_events(told: Told, peer: RtpPeer, ear: tuple[int, int]) -> None:
    """Eight packets of a digit and its end three times, one timestamp, the first marked (RFC 4733)."""
    number, _ = ear
    answered(told, number, peer)
    told.pump.digits(number, "1#")
    packets = listen(peer, lambda so_far: sum(each.payload_type == 101 for each in so_far) == 22)

    events = [each for each in packets if each.payload_type == 101]
    for digit, code in enumerate((1, 11)):
        keyed = events[11 * digit : 11 * digit + 11]
        assert [each.marker for each in keyed] == [True] + [False] * 10
        assert len({each.timestamp for each in keyed}) == 1
        said = [struct.unpack("!BBH", each.payload) for each in keyed]
        assert {event for event, _, _ in said} == {code}
        assert [bool(flags & 0x80) for _, flags, _ in said] == [False] * 8 + [True] * 3
        assert [duration for _, _, duration in said] == [160 * n for n in range(1, 9)] + [1280] * 3


def test_both_ends_reports_tell_of_losses_and_of_the_round_trip(
    told: Told, peer: RtpPeer, ear: tuple[int, int]
) -> None:
    """Ours leaves within two seconds; the far end's answer to it says what it lost (RFC 3550 section 6.4)."""
    number, port = ear
    answered(told, number, peer)
    for sequence in (1, 2, 4, 5):
        peer.send(packet(sequence), port)
    data, source = peer.rtcp.recvfrom(2048)
    came_s = time.monotonic()
    kind, ssrc, ntp = data[1], data[4:8], struct.unpack("!I", data[10:14])[0]
    block = struct.unpack("!IIIIII", data[28:52])
    report = struct.pack("!4sIIIII", ssrc, 3, 5, 0, ntp, round((time.monotonic() - came_s) * 65_536))
    peer.rtcp.sendto(struct.pack("!BBHI", 0x81, 201, 7, 7) + report, source)
    bye, _ = peer.rtcp.recvfrom(2048) if told.pump.stop(number) is None else (b"", None)
    result = told.of(Report, number)

    assert source[1] == port + 1
    assert (kind, data[0]) == (200, 0x81)
    assert block[0] == 7
    assert block[1] == (1 * 256 // 5) << 24 | 1  # one of five
    assert block[2] == 5
    assert bye.endswith(struct.pack("!BBH", 0x81, 203, 1) + ssrc)
    assert (result.rtp.lost, result.heard.far_end_lost) == (1, 3)
    assert result.rtp.rtt_ms is not None
    assert 0 <= result.rtp.rtt_ms < 5000


def converse(peer: RtpPeer, port: int, delay_s: float, phrases: int) -> list[tuple[float, float]]:
    """Greet, then answer each phrase so long after it with a short tone; when each ended and was answered."""
    sequence = 0
    ended: list[tuple[float, float]] = []
    loud_s = 0.0
    speaks_until_s = time.monotonic() + 0.2
    due_s: float | None = None
    while len(ended) < phrases:
        if select.select([peer.rtp], [], [], 0.005)[0]:
            came = peer.receive()
            if came.loud:
                loud_s = came.at_s
            elif loud_s and due_s is None:
                due_s = loud_s + 0.02 + delay_s
        now_s = time.monotonic()
        sound = SILENCE
        if due_s is not None and now_s >= due_s:
            ended.append((loud_s + 0.02, now_s))
            loud_s, due_s, speaks_until_s = 0.0, None, now_s + 0.2
        if now_s < speaks_until_s:
            sound = TONE
        sequence += 1
        peer.send(packet(sequence, sound, timestamp=round(now_s * 8000)), port)
    for _ in range(5):
        sequence += 1
        peer.send(packet(sequence, TONE), port)
    return ended


def test_the_time_to_the_answer_to_each_phrase_is_measured(
    told: Told, peer: RtpPeer, ear: tuple[int, int]
) -> None:
    """From the phrase's end to the far end's next sound, as often as they speak; no phrase is unanswered."""
    number, port = ear
    answered(told, number, peer)
    ended = converse(peer, port, 0.4, 2)
    wait_until(lambda: len([each for each in told.all(Response) if each.ear == number]) == 2)

    found = [each for each in told.all(Response) if each.ear == number]
    for response, (phrase_s, answer_s) in zip(found, ended, strict=True):
        assert response.at_s == pytest.approx(answer_s, abs=0.005)
        assert response.latency_s == pytest.approx(answer_s - phrase_s, abs=0.1)
    heard = stopped(told, number).heard
    assert (heard.phrases, heard.unanswered, heard.waiting_s) == (2, 0, None)
    assert heard.last_audible_s is not None
    assert heard.last_audible_s >= ended[-1][1]


def test_an_ear_says_that_an_answer_was_owed(told: Told, peer: RtpPeer, ear: tuple[int, int]) -> None:
    """The far end greets and is never heard again: the caller speaks, and waits."""
    number, port = ear
    answered(told, number, peer)
    for sequence in range(10):
        peer.send(packet(sequence, TONE), port)
    packets = listen(peer, lambda so_far: any(e.loud for e in so_far) and not so_far[-1].loud)
    listen(peer, lambda so_far: len(so_far) == 10)
    heard = stopped(told, number).heard

    assert sum(each.loud for each in packets) == pytest.approx(PHRASE_S / 0.02, abs=1)
    assert (heard.phrases, heard.unanswered) == (1, 0)
    assert heard.waiting_s is not None
    assert heard.waiting_s >= 0.1
    assert told.all(Response) == [each for each in told.all(Response) if each.ear != number]


def test_a_flood_from_a_stranger_keeps_nobody_waiting(
    told: Told, peer: RtpPeer, ear: tuple[int, int]
) -> None:
    """Another call's voice goes on beside thousands of packets that nobody asked for."""
    number, port = ear
    flooded = random.getrandbits(31)
    told.pump.open_ear(flooded, "127.0.0.1")
    flooded_port = told.of(Opened, flooded).port
    answered(told, number, peer)
    told.pump.start(flooded, peer.far(), answered_s=time.monotonic())
    with RtpPeer("127.0.0.3") as stranger:
        for sequence in range(5000):
            stranger.send(packet(sequence, TONE), flooded_port)
            if sequence % 250 == 0:
                peer.send(packet(sequence // 250), port)

    assert stopped(told, number).rtp.lost == 0
    report = stopped(told, flooded)
    assert report.rtp.received == 0
    assert report.heard.strangers > 0


def test_a_pump_that_dies_is_gone_and_another_takes_its_place(tmp_path: Path) -> None:
    """Nobody waits for it, and orders to it do no harm."""
    write_tone(tmp_path / "voice.wav", seconds=0.1)
    pump = Pump(log=tmp_path / "pump.log", voice=tmp_path / "voice.wav")
    pump.open()
    try:
        pump.open_ear(1, "127.0.0.1")
        Told(pump).of(Opened)
        os.kill(pump.pid or 0, signal.SIGKILL)
        wait_until(lambda: pump.messages() is None)
        pump.stop(1)
        pump.open()
        pump.open_ear(1, "127.0.0.1")
        assert Told(pump).of(Opened).port
    finally:
        pump.close()


def test_a_pump_ends_with_who_started_it_and_frees_its_ports(tmp_path: Path) -> None:
    """The end of the socket that gives the orders is its end."""
    write_tone(tmp_path / "voice.wav", seconds=0.1)
    pump = Pump(log=tmp_path / "pump.log", voice=tmp_path / "voice.wav")
    pump.open()
    pump.open_ear(1, "127.0.0.1")
    port = Told(pump).of(Opened).port
    pump.close()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", port))


def test_what_is_heard_goes_straight_back_in_a_stream_of_its_own(tmp_path: Path, peer: RtpPeer) -> None:
    """Payloads and the steps of the timestamps as they came, digits too; nothing that was not agreed on."""
    write_tone(tmp_path / "voice.wav", seconds=0.1)
    pump = Pump(log=tmp_path / "pump.log", voice=tmp_path / "voice.wav", speech=Speech.ECHO)
    pump.open()
    try:
        told = Told(pump)
        pump.open_ear(1, "127.0.0.1")
        port = told.of(Opened).port
        answered(told, 1, peer)
        sent = [bytes([50 + number]) * FRAME for number in range(5)]
        for number, payload in enumerate(sent):
            peer.send(packet(60_000 + number, payload), port)
        peer.send(packet(60_005, TONE, type=8), port)
        peer.send(packet(60_006, b"1234", type=101), port)
        came = listen(peer, lambda so_far: len(so_far) == 6)
        report = stopped(told, 1)
    finally:
        pump.close()

    assert [each.payload for each in came] == [*sent, b"1234"]
    assert [each.payload_type for each in came] == [0] * 5 + [101]
    first = came[0]
    assert [(each.sequence - first.sequence) % 65_536 for each in came] == list(range(6))
    steps = [(each.timestamp - first.timestamp) % 2**32 // FRAME for each in came]
    assert steps == [0, 1, 2, 3, 4, 6]
    assert {each.ssrc for each in came} == {first.ssrc} != {7}
    assert (report.rtp.sent, report.rtp.received) == (6, 7)
