"""The reference filter asks the agent's server for its settings and, like a vendor's, waits for ever."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.ringtime_filters.libraries import REFERENCE, in_thread, load


@contextlib.contextmanager
def server(answer: bytes | None) -> Iterator[tuple[int, list[bytes], threading.Event]]:
    """A TCP server for one request: its port, what was asked, and what ends its silence."""
    asked: list[bytes] = []
    let_go = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += connection.recv(4096)
                asked.append(head)
                if answer is None:
                    let_go.wait()
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked, let_go
        finally:
            let_go.set()
            thread.join()


def options(port: int) -> bytes:
    """What the FFI hands to on_load."""
    return b'{"url":"ws://127.0.0.1:%d","token":"header.claims.signature"}' % port


@pytest.mark.parametrize(
    ("status", "enabled"), [(b"200 OK", True), (b"404 Not Found", True), (b"503 Service Unavailable", False)]
)
def test_the_answer_decides_whether_the_filter_is_enabled(status: bytes, enabled: bool) -> None:
    """Settings or none to be had enable it; an error of the server does not."""
    with server(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}") as (port, asked, _):
        result = load(REFERENCE).audio_filter_on_load(options(port))

    assert (result == 0) is enabled
    assert asked[0].startswith(b"GET /settings HTTP/1.1\r\n")
    assert b"Authorization: Bearer header.claims.signature\r\n" in asked[0]


def test_a_refused_connection_is_a_failure_at_once() -> None:
    """Nothing listens: no settings, no filter, no wait."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert load(REFERENCE).audio_filter_on_load(options(port)) != 0


def test_a_silent_server_holds_the_initialisation_until_it_hangs_up() -> None:
    """There is no time limit: the defect that the lab reproduces."""
    with server(None) as (port, _, let_go):
        loading = in_thread(load(REFERENCE).audio_filter_on_load, options(port))
        assert not loading.done()
        let_go.set()
        assert loading.result(timeout=60) != 0


@pytest.mark.parametrize(
    "strange", [b"", b"{}", b'{"url":"ws://h"}', b'{"url":1,"token":"t"}', b'{"url":"wss://h","token":"t"}']
)
def test_options_without_a_plain_url_and_a_token_are_refused(strange: bytes) -> None:
    """A filter that cannot ask is not enabled."""
    assert load(REFERENCE).audio_filter_on_load(strange) != 0
