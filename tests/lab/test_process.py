"""Facts about child processes."""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lab.errors import NotReadyError
from lab.process import Child, announced, answering, ending, free_port, free_ports, said

Start = Callable[..., Child]

LISTENER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.accept()
"""
PARENT = """
import sys, time
from pathlib import Path
from lab.process import Child, said
child = Child("grandchild", [sys.executable, "-c", "print('up', flush=True); import time; time.sleep(600)"],
              env={}, log=Path(sys.argv[1]))
child.wait_ready(said("up"))
print(f"child {child.pid}", flush=True)
time.sleep(600)
"""
FORKER = """
import subprocess, sys, time
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(f"grandchild {grandchild.pid}", flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


def ends_within(pid: int, seconds: float) -> bool:
    """Whether a process that need not be ours has ended, or does within so many seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Start:
    """Starts Python code as a child that is stopped after the test."""

    def _start(code: str, *arguments: str, grace_s: float = 5.0) -> Child:
        child = Child(
            "child",
            [sys.executable, "-c", code, *arguments],
            env=dict(os.environ),
            log=tmp_path / "child.log",
            grace_s=grace_s,
        )
        request.addfinalizer(child.stop)
        return child

    return _start


def test_a_child_is_ready_when_its_port_answers(start: Start) -> None:
    """The probe for a port waits until something listens there."""
    port = free_port()

    assert start(LISTENER, str(port)).wait_ready(answering(port)) == port


def test_a_child_is_ready_when_it_announces_itself(start: Start) -> None:
    """The probe for an announcement returns the line of JSON, whatever was written before it."""
    child = start("""print('warming up'); print('{"ready": true, "port": 5}', flush=True); input()""")

    assert child.wait_ready(announced()) == {"ready": True, "port": 5}


def test_a_child_is_ready_when_it_says_so(start: Start) -> None:
    """The probe for words returns the whole line that holds them, from an event loop as well."""
    child = start("import sys; print('all systems up', file=sys.stderr, flush=True); input()")

    assert asyncio.run(child.until_ready(said("systems"))) == "all systems up"


def test_half_a_line_is_not_an_announcement(start: Start) -> None:
    """A line counts once its end is written."""
    child = start("""print('{"ready": true', end='', flush=True); import time; time.sleep(600)""")

    with pytest.raises(NotReadyError, match=r"was not ready within 0\.3 s"):
        child.wait_ready(announced(), timeout_s=0.3)


def test_a_child_that_ends_early_is_named_with_its_exit_code_and_last_words(start: Start) -> None:
    """The error says which program, how it ended, where its log is and what it said last."""
    child = start("import sys; print('no such device'); sys.exit(7)")

    with pytest.raises(NotReadyError) as caught:
        child.wait_ready(said("never"))

    assert str(caught.value) == (
        f"child ended with exit code 7 before it was ready; the last line of {child.log} is: no such device"
    )


def test_a_child_that_stays_silent_is_named_with_the_time_it_was_given(start: Start) -> None:
    """The error says how long was waited, and that the log is empty."""
    child = start("import time; time.sleep(600)")

    with pytest.raises(NotReadyError, match=r"child was not ready within 0.1 s; .*child.log is empty"):
        child.wait_ready(said("never"), timeout_s=0.1)


def test_words_of_an_earlier_child_in_the_same_log_do_not_count(start: Start) -> None:
    """Each child is read from where the log ended when it started."""
    start("print('ready', flush=True); input()").wait_ready(said("ready"))
    second = start("import time; time.sleep(600)")

    with pytest.raises(NotReadyError):
        second.wait_ready(said("ready"), timeout_s=0.1)


def test_a_child_gets_the_environment_it_is_given_and_no_other(tmp_path: Path) -> None:
    """Nothing leaks in from this process."""
    code = "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}), flush=True); input()"
    log = tmp_path / "child.log"

    with Child("child", [sys.executable, "-c", code], env={"ONLY": "this"}, log=log) as child:
        assert child.wait_ready(said("[")) == "['ONLY']"


def test_stopping_a_child_ends_what_it_has_started_too(start: Start) -> None:
    """The whole process group goes."""
    child = start(FORKER)
    grandchild = int(child.wait_ready(said("grandchild")).split()[1])

    child.stop()

    assert ends_within(grandchild, 5)
    assert child.exit_code == -signal.SIGTERM


def test_a_child_that_ignores_being_asked_is_killed(start: Start) -> None:
    """SIGKILL follows when the grace is over."""
    child = start(STUBBORN, grace_s=0.2)
    child.wait_ready(said("deaf"))

    child.stop()

    assert child.exit_code == -signal.SIGKILL


def test_stopping_a_child_twice_is_stopping_it_once(start: Start) -> None:
    """The second time finds nothing to do, and the exit code stays."""
    child = start("import time; time.sleep(600)")

    child.stop()
    child.stop()

    assert child.exit_code == -signal.SIGTERM


def test_a_child_dies_with_its_parent(start: Start, tmp_path: Path) -> None:
    """The kernel kills it when its parent is killed and can end nothing itself."""
    parent = start(PARENT, str(tmp_path / "grandchild.log"))
    child = int(parent.wait_ready(said("child")).split()[1])

    psutil.Process(parent.pid).kill()

    assert ends_within(child, 5)


def test_free_ports_are_even_first_and_can_be_bound() -> None:
    """A block begins with an even port, as RTP wants it, and each of it can be bound."""
    block = free_ports(4, socket.SOCK_DGRAM)

    assert block.start % 2 == 0
    for port in block:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
            bound.bind(("127.0.0.1", port))


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    """None of them can be taken by a connection of somebody else before it is bound."""
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

    assert free_port() < first_outgoing


def test_a_port_is_chosen_by_one_lab_alone_until_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that draws from the same few ports never gets one of ours, bound or not."""
    monkeypatch.setattr("lab.process._PORTS", range(10_000, 19_000))  # where no lab looks
    first = free_ports(4, socket.SOCK_STREAM).start
    monkeypatch.setattr("lab.process._PORTS", range(first, first + 4))
    program = f"import lab.process as p; p._PORTS = range({first}, {first + 4}); print(p.free_port())"

    chosen = free_port()
    others = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    again = free_port()

    assert {chosen, again} == {first, first + 2}
    assert int(others.stdout) == again
    with pytest.raises(OSError, match="no free port between"):
        free_port()


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [(0, "ended with exit code 0"), (3, "ended with exit code 3"), (-9, "was ended by SIGKILL")],
)
def test_an_ending_is_told_in_words(exit_code: int, words: str) -> None:
    """A signal is named, an exit code is given."""
    assert ending(exit_code) == words
