"""An answering side as a program: SIPp calls it, our own phones do, and it goes when it is told to."""

import dataclasses
import itertools
import json
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from sip.answering_process import Answering
from sip.errors import OptionRefusedError, TrunkError
from sip.media import Media
from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from sip.trunk import Trunk
from tests.sip.caller import OFFER, request
from tests.sip.conftest import SCENARIOS, SILENT

Place = Callable[..., list[CallRecord]]
Start = Callable[..., Trunk]
pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]
needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="SIPp is not installed")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(*arguments)` starts an answering side and says where to call it."""
    with ExitStack() as started:
        yield (
            lambda *arguments: (
                started.enter_context(Answering(arguments, log=tmp_path / "answering.log")).trunk
            )
        )


def _sipp(trunk: Trunk, folder: Path, *more: str) -> None:
    """Call with SIPp; it ends with 0 only if every call took the course that its scenario describes."""
    errors = folder / "errors.log"
    command = ["sipp", f"127.0.0.1:{trunk.port}", "-i", "127.0.0.1", "-nostdin", "-max_socket", "200", *more]
    command += ["-timeout", "30s", "-timeout_error", "-trace_err", "-error_file", str(errors)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, cwd=folder, check=False)
    assert done.returncode == 0, errors.read_text() if errors.exists() else done.stdout[-2000:]


@needs_sipp
@pytest.mark.parametrize("transport", ["u1", "t1", "tn"])
def test_sipp_calls_it(start: Start, tmp_path: Path, transport: str) -> None:
    """Over UDP, over one connection of all calls, over one each."""
    _sipp(start("--ring", "0.02"), tmp_path, "-sn", "uac", "-t", transport, "-m", "100", "-r", "200")


@needs_sipp
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp_cancels_its_calls(start: Start, tmp_path: Path, transport: str) -> None:
    """200 to the CANCEL, 487 to the INVITE."""
    trunk = start("--ring", "30")
    _sipp(trunk, tmp_path, "-sf", str(SCENARIOS / "cancelling.xml"), "-t", transport, "-m", "20", "-r", "100")


def test_our_own_calls_are_answered_after_the_time_that_was_asked_for(
    start: Start, place: Place, tmp_path: Path
) -> None:
    """The whole course to the BYE's answer."""
    with Pool(start("--ring", "0.1"), log_folder=tmp_path, concurrent=8) as pool:
        records = place(pool, 8, rate=20.0)

    assert {record.outcome for record in records} == {Outcome.ANSWERED}
    for record in records:
        assert record.ringing_s is not None
        assert record.answered_s is not None
        assert record.answered_s - (record.invite_s or 0.0) >= 0.1
        assert record.bye_answered_s is not None


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ("--busy-share 1 --ring 0.05", Outcome.AGENT_FAILED),
        ("--status 403", Outcome.TRUNK_LIMIT),
        ("--limit 0", Outcome.TRUNK_LIMIT),
        ("--ring 30", Outcome.UNANSWERED),
        ("--silent", Outcome.NO_RESPONSE),
    ],
)
def test_each_manner_is_one_outcome_to_our_own_calls(
    start: Start, place: Place, tmp_path: Path, arguments: str, outcome: Outcome
) -> None:
    """The failures that a deployment shows."""
    with Pool(start(*arguments.split()), log_folder=tmp_path) as pool:
        records = place(pool, 3, **(SILENT if outcome in (Outcome.UNANSWERED, Outcome.NO_RESPONSE) else {}))

    assert Counter(record.outcome for record in records) == {outcome: 3}


@pytest.mark.parametrize("speaks", ["play", "echo"])
def test_our_own_calls_hear_what_is_played_or_what_they_say(
    place: Place, tmp_path: Path, speaks: str
) -> None:
    """From the answer on; at its end it says what it sent and heard."""
    with (
        Answering(["--media", speaks]) as answering,
        Pool(answering.trunk, log_folder=tmp_path, concurrent=4, media=Media.PJSUA2) as pool,
    ):
        records = place(pool, 4, hold_s=1.5)

    assert {record.outcome for record in records} == {Outcome.ANSWERED}
    assert all(record.first_audio_s is not None for record in records)
    assert answering.heard is not None
    assert (answering.heard.calls, answering.heard.unheard) == (4, 0)
    assert answering.heard.sent > 100
    assert answering.heard.received > 100


@pytest.mark.parametrize("arguments", ["--challenge 407", "--challenge 401 --digest SHA-256 --stale"])
def test_our_own_calls_answer_a_challenge(
    start: Start, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    """Each is one attempt, timed from its first INVITE on; a wrong password is one too, and no answer."""
    monkeypatch.setenv("RINGTIME_SIP_PASSWORD", "the-password-of-nobody")
    trunk = start("--user", "me", *arguments.split())
    for password, outcome in (("the-password-of-nobody", Outcome.ANSWERED), ("no", Outcome.MISCONFIGURED)):
        known = dataclasses.replace(trunk, user="me", password=password)
        with Pool(known, log_folder=tmp_path) as pool:
            records = place(pool, 3)

        assert Counter(record.outcome for record in records) == {outcome: 3}
        for record in records:
            assert record.invite_s is not None
            assert record.trying_s is not None
            assert record.invite_s < record.trying_s < (record.ringing_s or record.ended_s or 0.0)
    assert {str(record.sip_status) for record in records} == {arguments.split()[1]}


def test_a_cancel_that_meets_the_answer_leaves_no_call_behind(
    start: Start, place: Place, tmp_path: Path
) -> None:
    """Both are due at once: each call is answered or it is not, and the next ones find all places free."""
    with Pool(start("--ring", "0.6", "--limit", "8"), log_folder=tmp_path, concurrent=8) as pool:
        records = place(pool, 8, rate=20.0, ring_timeout_s=0.6)
        records += place(pool, 8, rate=20.0)

    assert {record.outcome for record in records[:8]} <= {Outcome.ANSWERED, Outcome.UNANSWERED}
    assert {record.outcome for record in records[8:]} == {Outcome.ANSWERED}


def test_a_message_may_come_in_pieces_and_a_caller_that_talks_nonsense_is_hung_up_on(start: Start) -> None:
    """Others are served on."""
    trunk = start("--ring", "0")
    place = ("127.0.0.1", trunk.port or 0)
    with (
        socket.create_connection(place, timeout=10) as mad,
        socket.create_connection(place, timeout=10) as one,
    ):
        mad.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert mad.recv(100) == b""
        invite = request("INVITE", body=OFFER)
        for at in range(0, len(invite), 50):
            one.sendall(invite[at : at + 50])
        said = b""
        while b"200 OK" not in said:
            said += one.recv(65536)

    assert said.index(b"100 Trying") < said.index(b"180 Ringing") < said.index(b"200 OK")


def test_more_connections_than_it_can_hold_wait_for_one_that_ends() -> None:
    """It is out of descriptors: those that it has are served, and the next one once there is room."""
    with Answering() as answering, ExitStack() as opened:
        program = psutil.Process(answering._companion._process.pid)
        most = max(int(path.name) for path in Path(f"/proc/{program.pid}/fd").iterdir()) + 3
        program.rlimit(psutil.RLIMIT_NOFILE, (most, most))
        place = ("127.0.0.1", answering.trunk.port or 0)
        callers = [opened.enter_context(socket.create_connection(place, timeout=10)) for _ in range(6)]
        options = request("OPTIONS")
        callers[0].sendall(options)
        assert callers[0].recv(65536).startswith(b"SIP/2.0 200 OK")

        for caller, following in itertools.pairwise(callers):
            caller.close()
            following.sendall(options)
            assert following.recv(65536).startswith(b"SIP/2.0 200 OK")


def test_a_burst_of_calls_is_answered_without_a_retransmission(start: Start) -> None:
    """200 that come at one instant, more than the kernel keeps for a socket by default, all ring."""
    place = ("127.0.0.1", start("--ring", "30").port or 0)
    with ExitStack() as opened:
        callers = [opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(8)]
        for number, caller in enumerate(callers):
            caller.settimeout(10)
            caller.connect(place)
            for call in range(25):
                caller.send(request("INVITE", 25 * number + call, body=OFFER))

        said = Counter(caller.recv(65536).split(b" ")[1] for caller in callers for _ in range(50))

    assert said == {b"100": 200, b"180": 200}


def test_datagrams_of_any_kind_do_no_harm(start: Start) -> None:
    """It answers on after the empty, the broken and the largest."""
    trunk = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.settimeout(10)
        caller.connect(("127.0.0.1", trunk.port or 0))
        for packet in (b"", b"\0" * 100, b"SIP/2.0 200 OK\r\n\r\n", b"A" * 65_507):
            caller.send(packet)
        caller.send(request("OPTIONS"))

        assert caller.recv(65536).startswith(b"SIP/2.0 200 OK\r\n")


def test_an_argument_that_it_refuses_is_its_own_sentence(tmp_path: Path) -> None:
    """The one who starts it shows it."""
    with pytest.raises(OptionRefusedError, match=r"--ring cannot be -1\.0: give a number from 0 to 86400"):
        Answering(["--ring", "-1"], log=tmp_path / "answering.log")


def test_one_that_cannot_listen_is_an_error() -> None:
    """With its own sentence too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        with pytest.raises(TrunkError, match="Address already in use"):
            Answering(["--listen", f"127.0.0.1:{holder.getsockname()[1]}"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_without_a_complaint(number: signal.Signals) -> None:
    """Exit code 0, and it says where to call it in words."""
    command = [sys.executable, "-m", "sip", "answer", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(number)
        said, complaints = process.communicate(timeout=20)

    assert first.startswith("Calls to sip:127.0.0.1:")
    assert (process.returncode, said, complaints) == (0, "", "")


STARTS_ONE = """
import sys
from sip.answering_process import Answering
with Answering() as answering:
    print(answering.trunk.port, flush=True)
    sys.stdin.read()
"""


def test_it_ends_when_the_one_that_started_it_is_killed() -> None:
    """Its standard input ends with that."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        starter.stdout.readline()
        children = psutil.Process(starter.pid).children()
        starter.kill()

    assert len(children) == 1
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_with_no_standard_input_it_ends_at_once() -> None:
    """Nobody holds its other end."""
    done = subprocess.run(
        [sys.executable, "-m", "sip", "answer", "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert done.returncode == 0
    assert json.loads(done.stdout)["ready"] is True
