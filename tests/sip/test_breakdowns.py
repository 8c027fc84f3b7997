"""What breaks in the middle of real calls: a connection, and the library that makes them."""

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sip.campaign import Campaign
from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from sip.trunk import Trunk
from tests.sip.conftest import make_calls
from tests.sip.peer import playing
from tests.sip.script import FarCall, Script

Answering = Callable[..., Trunk]
Place = Callable[..., list[CallRecord]]
pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]


def _drops_ringing(call: FarCall) -> Script:
    call.reply(180)
    yield from call.pause(0.2)
    call.shut()
    yield from call.let_go()


def _drops_talking(call: FarCall) -> Script:
    call.answer()
    yield from call.until("ACK")
    call.shut()
    yield from call.let_go()


def test_a_connection_that_breaks_ends_what_rings_on_it_and_no_call_that_talks(tmp_path: Path) -> None:
    """A call's BYE comes by another connection; an INVITE's response has none to come by."""
    with playing("tcp") as peer:
        peer.behaviours.update({"talking": _drops_talking, "ringing": _drops_ringing})
        numbers = {name: name for name in ("talking", "ringing", "good")}
        with Pool(peer.trunk, log_folder=tmp_path, max_concurrent=4) as pool:
            made = make_calls(
                pool, 3, numbers=numbers, rate=2.0, setup_timeout_s=2.5, ring_timeout_s=2.5, bye_answer_s=2.0
            )
            restarts = pool.health().restarts
    records = {record.number: record for record in made}

    assert restarts == 0
    assert records["ringing"].outcome is Outcome.NO_RESPONSE
    assert records["ringing"].status_is_local
    for number in ("talking", "good"):
        assert records[number].outcome is Outcome.ANSWERED
        assert records[number].bye_answered_s is not None


def test_a_library_that_aborts_loses_its_own_calls_only(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """It has 64 handles and keeps closed connections' for 500 ms; later calls find another worker."""
    broken = False

    def break_one(campaign: Campaign) -> None:
        nonlocal broken
        if campaign.calls_up >= 6 and not broken:
            broken = True
            pid = next(worker.pid for worker in pool._workers() if worker.calls)
            found = psutil.Process(pid).net_connections("tcp4")
            [address] = [one.laddr for one in found if one.status == psutil.CONN_LISTEN]
            with contextlib.suppress(ConnectionError):  # it is gone
                for _ in range(200):
                    socket.create_connection(address, timeout=5).close()

    with Pool(sipp("answer"), log_folder=tmp_path, concurrent=8, max_concurrent=12) as pool:
        records = place(pool, 6, hold_s=3.0, ring_timeout_s=2.5, during=break_one)
        again = place(pool, 2, ring_timeout_s=2.5)
        restarts = pool.health().restarts

    lost = [record for record in records if record.outcome is Outcome.TESTER_FAILED]
    assert 1 <= len(lost) <= 4
    assert {record.outcome for record in (*records, *again) if record not in lost} == {Outcome.ANSWERED}
    assert restarts == 1
    assert any("Assertion" in log.read_text(errors="replace") for log in tmp_path.glob("worker-*.log"))
