"""Before the first call a trunk that cannot be there is told from one that is silent."""

import contextlib
import dataclasses
import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from sip import preflight, source
from sip.answering_process import Answering
from sip.errors import TrunkError
from sip.srtp import Srtp
from sip.trunk import Trunk


@contextlib.contextmanager
def udp_peer() -> Iterator[socket.socket]:
    """A bound socket that nobody reads unless the test does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        yield peer


def test_a_trunk_that_answers_options_is_there() -> None:
    """Any answer will do: it is a SIP request with all that RFC 3261 section 8.1.1 wants in it."""
    with udp_peer() as peer:
        asked: list[bytes] = []

        def answer() -> None:
            request, caller = peer.recvfrom(65536)
            asked.append(request)
            peer.sendto(b"SIP/2.0 405 Method Not Allowed\r\n\r\n", caller)

        thread = threading.Thread(target=answer)
        thread.start()
        preflight.look(Trunk("127.0.0.1", peer.getsockname()[1]))
        thread.join()

    head = asked[0].decode().split("\r\n")
    assert head[0].startswith("OPTIONS sip:127.0.0.1:")
    assert {line.partition(":")[0] for line in head[1:] if line} >= {
        "Via",
        "Max-Forwards",
        "From",
        "To",
        "Call-ID",
        "CSeq",
    }


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_port_where_nothing_listens_is_an_error_with_its_address(transport: str) -> None:
    """The machine itself says so, over UDP and TCP."""
    with udp_peer() as peer, socket.create_server(("127.0.0.1", 0)) as server:
        port = (server if transport == "tcp" else peer).getsockname()[1]

    with pytest.raises(TrunkError, match=f"sip:127.0.0.1:{port}"):
        preflight.look(Trunk("127.0.0.1", port, transport))


def test_a_name_that_does_not_resolve_is_an_error() -> None:
    """`.invalid` never does (RFC 6761)."""
    with pytest.raises(TrunkError, match="does not resolve"):
        preflight.look(Trunk("trunk.invalid"))


def test_a_silent_trunk_is_only_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Some trunks answer nothing but INVITE."""
    monkeypatch.setattr(preflight, "_WAIT_S", 0.01)

    with udp_peer() as peer, caplog.at_level(logging.WARNING):
        preflight.look(Trunk("127.0.0.1", peer.getsockname()[1]))

    assert "does not answer OPTIONS" in caplog.text


def test_what_is_less_secret_than_it_looks_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Keys of encrypted media on a plain connection."""
    with Answering() as answering, caplog.at_level(logging.WARNING):
        preflight.look(answering.trunk)
        assert caplog.text == ""
        preflight.look(dataclasses.replace(answering.trunk, srtp=Srtp.OPTIONAL))

    assert "the keys of encrypted media travel in the clear" in caplog.text


def test_it_looks_from_where_calls_will_come() -> None:
    """A trunk may let in some addresses alone; one from which no way leads there is named."""
    with udp_peer() as peer:
        trunk = Trunk("127.0.0.1", peer.getsockname()[1])
        asked: list[str] = []

        def answer() -> None:
            _, caller = peer.recvfrom(65536)
            asked.append(caller[0])
            peer.sendto(b"SIP/2.0 200 OK\r\n\r\n", caller)

        thread = threading.Thread(target=answer)
        thread.start()
        preflight.look(trunk, source.read("127.0.9.0/30"))
        thread.join()

    assert asked == ["127.0.9.1"]
    with pytest.raises(TrunkError, match=r"takes calls at sip:127\.0\.0\.1:\d+ from 127\.0\.9\.1 \("):
        preflight.look(trunk, source.read("127.0.9.0/30"))
