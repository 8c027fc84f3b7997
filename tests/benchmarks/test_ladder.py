"""The ladder of a call: which message is which step, and how far a record is from it."""

import dataclasses

import pytest

from benchmarks.capture import Packet
from benchmarks.errors import BenchmarkError
from benchmarks.ladder import Step, errors_ms, ladders, lateness_ms
from sip.plan import Dial
from sip.record import CallRecord, Epoch
from sip.undialled import never_dialled

NEAR, FAR = 5062, 5060
EPOCH = Epoch(monotonic=100.0, unix=1_000.0)


def sent(at_ms: int, method: str, call: str = "one") -> Packet:
    """A request of the caller's."""
    text = f"{method} sip:100@127.0.0.1 SIP/2.0\r\nCall-ID: {call}\r\nCSeq: 1 {method}\r\n\r\n"
    return Packet(at_ms * 1_000_000, NEAR, FAR, text.encode())


def came(at_ms: int, status: int, method: str = "INVITE", call: str = "one") -> Packet:
    """A response of the far end's, its headers by their short names."""
    text = f"SIP/2.0 {status} Reason\r\nCSeq: 1 {method}\r\ni: {call}\r\n\r\n"
    return Packet(at_ms * 1_000_000, FAR, NEAR, text.encode())


def record(**times_s: float) -> CallRecord:
    """The record of call `one` with these times."""
    dial = Dial(0, 0.0, "a", "clean", 0, False, "caller")
    empty = never_dialled(dial, call_id="0", number="1", due_s=100.0, epoch=EPOCH, worker="w", error="")
    return dataclasses.replace(empty, sip_call_id="one", **times_s)


def test_each_step_has_the_first_time_at_which_it_was_on_the_wire() -> None:
    """A retransmission, a second ringing and another call change nothing."""
    packets = [
        sent(0, "INVITE"),
        sent(500, "INVITE"),
        sent(501, "INVITE", "two"),
        came(502, 100),
        came(510, 180),
        came(520, 183),
        came(700, 200),
        came(705, 200),
        sent(701, "ACK"),
        sent(900, "BYE"),
        came(901, 200, "BYE"),
    ]
    steps = {"invite": 0, "trying": 502, "ringing": 510, "answered": 700, "bye": 900, "bye_answered": 901}

    assert ladders(packets, far_port=FAR) == {
        "one": {Step(name): at_ms * 1_000_000 for name, at_ms in steps.items()},
        "two": {Step.INVITE: 501_000_000},
    }


def test_what_is_no_step_of_the_caller_s_is_left_out() -> None:
    """A challenge, the answer to a CANCEL, a refusal, the far end's own BYE, and what is no SIP."""
    far_end_bye = sent(5, "BYE")._replace(from_port=FAR, to_port=NEAR)
    packets = [
        came(1, 401),
        sent(2, "CANCEL"),
        came(3, 200, "CANCEL"),
        came(4, 487),
        far_end_bye,
        Packet(6, FAR, NEAR, b"\r\n\r\n"),
        Packet(7, NEAR, FAR, b"\xff\x00"),
    ]

    assert ladders(packets, far_port=FAR) == {"one": {Step.CANCEL: 2_000_000}}


def test_the_error_of_a_duration_is_what_the_record_has_too_much() -> None:
    """In milliseconds, and below zero where it has too little."""
    seen = {"one": {Step.INVITE: 0, Step.RINGING: 10_000_000, Step.ANSWERED: 110_000_000}}
    records = [record(invite_s=1.0, ringing_s=1.0125, answered_s=1.1)]

    assert errors_ms(records, seen, Step.INVITE, Step.RINGING) == pytest.approx([2.5])
    assert errors_ms(records, seen, Step.RINGING, Step.ANSWERED) == pytest.approx([-12.5])


def test_the_lateness_of_a_step_counts_on_the_wall_clock() -> None:
    """From the moment that the record's times count from."""
    seen = {"one": {Step.BYE: 1_002_000_000_000}}

    assert lateness_ms([record(bye_s=2.25)], seen, Step.BYE, EPOCH) == pytest.approx([250.0])


def test_a_call_that_lacks_a_step_is_an_error() -> None:
    """On the wire or on record: neither may be passed over in silence."""
    seen = {"one": {Step.INVITE: 0, Step.RINGING: 1}}

    with pytest.raises(BenchmarkError, match="the capture lacks invite or answered of call 0"):
        errors_ms([record(invite_s=1.0, answered_s=2.0)], seen, Step.INVITE, Step.ANSWERED)
    with pytest.raises(BenchmarkError, match="call 0 has no ringing on record"):
        errors_ms([record(invite_s=1.0)], seen, Step.INVITE, Step.RINGING)
