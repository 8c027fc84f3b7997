"""The times of records against those of the packets themselves, as the kernel stamped them."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from benchmarks.capture import captured, missing_for_capture
from benchmarks.ladder import Step, errors_ms, ladders
from sip.campaign import Campaign
from sip.outcome import Outcome
from sip.plan import Arrivals
from sip.pool import Pool
from sip.record import CallRecord
from sip.trunk import Trunk

Answering = Callable[..., Trunk]
Place = Callable[..., list[CallRecord]]
LACKING = missing_for_capture()
BOUND_MS = 10.0  # of a median, however busy the machine: how exact times are is a benchmark's to tell
CLOCKS_S = 1e-4  # two clocks are read for a time, one after the other
PATIENT = {"setup_timeout_s": 10.0, "final_after_cancel_s": 10.0, "bye_answer_s": 10.0}
pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(60),
    pytest.mark.skipif(LACKING is not None, reason=str(LACKING)),
]


def test_the_times_of_answered_calls_are_those_of_their_packets(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """Post-dial delay, ring-to-answer and the answer to BYE of forty calls, each found in the capture."""
    trunk = sipp("answer")
    with Pool(trunk, log_folder=tmp_path, concurrent=40) as pool, captured(trunk.sip_port) as packets:
        records = place(
            pool, 40, rate=25.0, arrivals=Arrivals.POISSON, hold_s=0.2, ring_timeout_s=10.0, **PATIENT
        )

    seen = ladders(packets, far_port=trunk.sip_port)
    assert {record.outcome for record in records} == {Outcome.ANSWERED}
    assert {record.sip_call_id for record in records} == set(seen)
    for steps in (
        (Step.INVITE, Step.TRYING),
        (Step.INVITE, Step.RINGING),
        (Step.RINGING, Step.ANSWERED),
        (Step.ANSWERED, Step.BYE),
        (Step.BYE, Step.BYE_ANSWERED),
    ):
        assert median(map(abs, errors_ms(records, seen, *steps))) < BOUND_MS, steps


def test_a_call_that_is_given_up_is_timed_until_its_cancel_left(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """From the 180 to the CANCEL, as the packets have it."""
    trunk = sipp("ring")
    with Pool(trunk, log_folder=tmp_path, concurrent=8) as pool, captured(trunk.sip_port) as packets:
        records = place(pool, 8, rate=16.0, arrivals=Arrivals.POISSON, ring_timeout_s=0.2, **PATIENT)

    seen = ladders(packets, far_port=trunk.sip_port)
    assert {record.outcome for record in records} == {Outcome.UNANSWERED}
    assert all(Step.ANSWERED not in ladder for ladder in seen.values())
    assert median(map(abs, errors_ms(records, seen, Step.RINGING, Step.CANCEL))) < BOUND_MS


def test_an_invite_that_is_sent_again_is_timed_from_the_first(place: Place, tmp_path: Path) -> None:
    """The far end misses the first of each call; the half second until the second is its post-dial delay."""
    heard: dict[str, int] = {}

    def answer_the_second(_: Campaign) -> None:
        while (packet := _next_packet(deaf)) is not None:
            text, peer = packet
            if text.startswith("INVITE "):
                call_id = _line(text, "Call-ID")
                heard[call_id] = heard.get(call_id, 0) + 1
                if heard[call_id] == 2:
                    deaf.sendto(_response("180 Ringing", text), peer)
                    deaf.sendto(_response("486 Busy Here", text), peer)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.setblocking(False)
        port = deaf.getsockname()[1]
        trunk = Trunk.parse(f"sip:127.0.0.1:{port}")
        with Pool(trunk, log_folder=tmp_path, concurrent=4) as pool, captured(port) as packets:
            records = place(pool, 4, during=answer_the_second, ring_timeout_s=10.0, **PATIENT)

    seen = ladders(packets, far_port=port)
    assert [record.outcome for record in records] == [Outcome.AGENT_FAILED] * 4
    assert min(heard.values()) >= 2
    assert median(map(abs, errors_ms(records, seen, Step.INVITE, Step.RINGING))) < BOUND_MS
    assert all((record.ringing_s or 0.0) - (record.invite_s or 0.0) > 0.4 for record in records)


def test_what_comes_while_a_worker_does_not_run_is_timed_as_it_came(place: Place, tmp_path: Path) -> None:
    """The far end refuses the call while the worker is stopped; its times are those of the two sendings."""
    sent: dict[str, tuple[float, float]] = {}

    def send(status: str, text: str, peer: tuple[str, int]) -> None:
        before_s = time.monotonic()
        deaf.sendto(_response(status, text), peer)
        sent[status] = before_s, time.monotonic()

    def refuse_when_stopped(campaign: Campaign) -> None:
        if (packet := _next_packet(deaf)) is not None and packet[0].startswith("INVITE "):
            invites.append(packet)
            send("180 Ringing", *packet)
        if invites and "486 Busy Here" not in sent and campaign.call("run-0").moment("ringing") is not None:
            (worker,) = (load.pid for load in pool.health().processes if load.name.startswith("worker"))
            os.kill(worker, signal.SIGSTOP)
            send("486 Busy Here", *invites[0])
            time.sleep(0.3)  # for so long the worker does not run
            os.kill(worker, signal.SIGCONT)

    invites: list[tuple[str, tuple[str, int]]] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.setblocking(False)
        trunk = Trunk.parse(f"sip:127.0.0.1:{deaf.getsockname()[1]}")
        with Pool(trunk, log_folder=tmp_path, max_concurrent=4) as pool:
            (record,) = place(pool, 1, during=refuse_when_stopped, ring_timeout_s=10.0, **PATIENT)

    assert record.outcome is Outcome.AGENT_FAILED
    assert record.ended_s is not None
    assert record.ringing_s is not None
    rang, refused = sent["180 Ringing"], sent["486 Busy Here"]
    assert refused[0] - rang[1] - CLOCKS_S <= record.ended_s - record.ringing_s
    assert record.ended_s - record.ringing_s <= refused[1] - rang[0] + CLOCKS_S


def _next_packet(far_end: socket.socket) -> tuple[str, tuple[str, int]] | None:
    try:
        data, peer = far_end.recvfrom(65536)
    except BlockingIOError:
        return None
    return data.decode(), peer


def _line(request: str, name: str) -> str:
    return next(line for line in request.split("\r\n") if line.startswith(f"{name}: "))


def _response(status: str, request: str) -> bytes:
    via, caller, call_id, cseq = (_line(request, name) for name in ("Via", "From", "Call-ID", "CSeq"))
    called = f"{_line(request, 'To')};tag=far"
    lines = (f"SIP/2.0 {status}", via, caller, called, call_id, cseq, "Content-Length: 0")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
