"""The reference filter asks the agent's server for its settings and, like a vendor's, waits for ever."""

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.ringtime_filters.libraries import REFERENCE, in_thread, load


@contextlib.contextmanager
def server(
    answer: bytes | None, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[bytes], threading.Event]]:
    """A server for one request, by TCP or TLS: its port, what was asked, and what ends its silence."""
    asked: list[bytes] = []
    let_go = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with contextlib.suppress(ssl.SSLError), contextlib.ExitStack() as opened:
                connection = opened.enter_context(
                    tls.wrap_socket(connection, server_side=True) if tls else connection
                )
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


ENABLED, UNREACHABLE = 0, 2
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


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
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_whole_is_none(answer: bytes) -> None:
    """Settings that were cut short do not enable the filter."""
    with server(answer) as (port, _, _):
        assert load(REFERENCE).audio_filter_on_load(options(port)) == UNREACHABLE


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    """As HTTP has it."""
    with server(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 10_000) as (port, _, _):
        assert load(REFERENCE).audio_filter_on_load(options(port)) == ENABLED


def test_an_endpoint_of_its_own_is_asked_instead_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same token; an empty one is none."""
    with server(OK) as (port, asked, _):
        monkeypatch.setenv("RINGTIME_SETTINGS_URL", f"http://127.0.0.1:{port}/whatever?x#y")
        assert load(REFERENCE).audio_filter_on_load(options(1)) == ENABLED
    assert asked[0].startswith(b"GET /settings HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port)
    assert b"Authorization: Bearer header.claims.signature\r\n" in asked[0]

    monkeypatch.setenv("RINGTIME_SETTINGS_URL", "")
    assert load(REFERENCE).audio_filter_on_load(options(1)) == UNREACHABLE


@contextlib.contextmanager
def name_server(address: str | None) -> Iterator[str]:
    """A name server that answers one query with this A record, or that there is none."""
    with socket.socket(type=socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        def serve() -> None:
            query, client = listener.recvfrom(512)
            question = query[12 : query.index(0, 12) + 5]
            record = b""
            if address is not None:
                record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + socket.inet_aton(address)
            flags = b"\x81\x80" if record else b"\x81\x83"  # NOERROR or NXDOMAIN, RFC 1035
            counts = b"\x00\x01\x00" + bytes([bool(record)]) + b"\x00\x00\x00\x00"
            listener.sendto(query[:2] + flags + counts + question + record, client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield "{}:{}".format(*listener.getsockname())
        thread.join()


def test_a_name_server_of_its_own_is_asked_for_the_endpoint_s_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the system's own servers and files say."""
    with server(OK) as (port, asked, _), name_server("127.0.0.1") as dns:
        monkeypatch.setenv("RINGTIME_SETTINGS_DNS", dns)
        monkeypatch.setenv("RINGTIME_SETTINGS_URL", f"http://settings.ringtime.test:{port}/")
        assert load(REFERENCE).audio_filter_on_load(options(1)) == ENABLED
    assert b"\r\nHost: settings.ringtime.test:%d\r\n" % port in asked[0]


def test_a_name_that_does_not_exist_is_a_failure_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that says so is not a silent one."""
    with name_server(None) as dns:
        monkeypatch.setenv("RINGTIME_SETTINGS_DNS", dns)
        monkeypatch.setenv("RINGTIME_SETTINGS_URL", "http://settings.ringtime.test/")
        assert load(REFERENCE).audio_filter_on_load(options(1)) == UNREACHABLE


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for 127.0.0.1, and the certificate that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    authority, own_key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    own_key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, own_key)
    return context, authority


@pytest.mark.parametrize(("trusted", "result"), [(True, 0), (False, 2)])
def test_an_endpoint_by_tls_is_believed_if_its_certificate_is(
    certified: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch, *, trusted: bool, result: int
) -> None:
    """OpenSSL's own variable names the authorities; a stranger's certificate ends the handshake."""
    context, authority = certified
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with server(OK, context) as (port, asked, _):
        monkeypatch.setenv("RINGTIME_SETTINGS_URL", f"https://127.0.0.1:{port}/")
        assert load(REFERENCE).audio_filter_on_load(options(1)) == result
    assert len(asked) == trusted


@pytest.mark.parametrize(
    "strange", [b"", b"{}", b'{"url":"ws://h"}', b'{"url":1,"token":"t"}', b'{"url":"ftp://h","token":"t"}']
)
def test_options_without_a_url_and_a_token_are_refused(strange: bytes) -> None:
    """A filter that cannot ask is not enabled."""
    assert load(REFERENCE).audio_filter_on_load(strange) != 0
