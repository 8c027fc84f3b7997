"""Calls over TLS: the trunk proves what it is, to the library as to us, or is not called."""

import contextlib
import dataclasses
import json
import secrets
import shlex
import socket
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from sip import preflight
from sip.answering_process import Answering
from sip.errors import TrunkError
from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from sip.tls import Tls
from sip.trunk import Trunk
from tests.locust_command import ROOT, LocustCommand
from tests.sip.certificates import Authority
from tests.sip.conftest import SILENT, wait_until

Place = Callable[..., list[CallRecord]]
Start = Callable[..., Trunk]
pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who vouches for trunks."""
    return Authority(tmp_path)


@pytest.fixture
def start(authority: Authority, tmp_path: Path) -> Iterator[Start]:
    """`start(certificate, …)` starts an answering side that has it; callers believe in the authority."""
    with ExitStack() as started:

        def answer(certificate: Path, *arguments: str, **tls: object) -> Trunk:
            words = ("--ring", "0.1", "--tls-cert", str(certificate), *arguments)
            trunk = started.enter_context(Answering(words, log=tmp_path / "answering.log")).trunk
            believed = Tls(**{"ca": str(authority.ca), **tls})  # type: ignore[arg-type]
            return dataclasses.replace(trunk, tls=believed)

        yield answer


def test_calls_over_tls_are_answered(
    start: Start, place: Place, authority: Authority, tmp_path: Path
) -> None:
    """To the BYE's answer, four on one connection; the library and Python agree on who it is."""
    trunk = start(authority.certify())
    preflight.look(trunk)

    with Pool(trunk, log_folder=tmp_path) as pool:
        records = place(pool, 6)

    assert Counter(record.outcome for record in records) == {Outcome.ANSWERED: 6}
    assert all(record.bye_answered_s is not None for record in records)


def test_a_trunk_is_called_by_sips_and_by_its_name(
    start: Start, place: Place, authority: Authority, tmp_path: Path
) -> None:
    """RFC 3261 section 19.1: which is TLS without saying so."""
    there = start(authority.certify("localhost"))
    trunk = dataclasses.replace(Trunk.parse(f"sips:localhost:{there.port}"), tls=there.tls)
    preflight.look(trunk)

    with Pool(trunk, log_folder=tmp_path) as pool:
        assert [record.outcome for record in place(pool, 1)] == [Outcome.ANSWERED]


@pytest.mark.parametrize(
    ("names", "expired", "why", "library_s"),
    [
        (("other.example",), False, "IP address mismatch", "identity does not match"),
        ((), True, "certificate has expired", "has expired"),
    ],
)
def test_a_trunk_that_does_not_prove_what_it_is_is_not_called(
    start: Start,
    place: Place,
    authority: Authority,
    tmp_path: Path,
    names: tuple[str, ...],
    expired: bool,
    why: str,
    library_s: str,
) -> None:
    """One sentence before the first call; where it comes to be so later, no answer, and why."""
    trunk = start(authority.certify(*names, expired=expired))

    with pytest.raises(TrunkError, match=f"does not prove that it is 127.0.0.1: .*{why}.*--tls-ca"):
        preflight.look(trunk)
    with Pool(trunk, log_folder=tmp_path) as pool:
        records = place(pool, 2)

    for record in records:
        assert (record.outcome, record.sip_status, record.status_is_local) == (Outcome.NO_RESPONSE, 503, True)
        assert library_s in (record.sip_reason or "")


def test_a_trunk_whose_authority_is_unknown_is_called_only_where_that_is_asked_for(
    start: Start, place: Place, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By --tls-insecure, which takes anybody and is warned of."""
    stranger = Authority(tmp_path / "stranger")
    stranger.folder.mkdir()
    trunk = start(authority.certify(), ca=str(stranger.ca), insecure=True)
    careful = dataclasses.replace(trunk, tls=Tls(str(stranger.ca)))

    with pytest.raises(TrunkError, match="unable to get local issuer"):
        preflight.look(careful)
    preflight.look(trunk)
    assert "whoever answers at" in caplog.text
    with Pool(careful, log_folder=tmp_path) as pool:
        assert [record.outcome for record in place(pool, 1)] == [Outcome.NO_RESPONSE]
    with Pool(trunk, log_folder=tmp_path) as pool:
        assert [record.outcome for record in place(pool, 1)] == [Outcome.ANSWERED]


def test_what_speaks_no_tls_is_told_from_what_is_silent(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    """What is said is that the port may be wrong."""
    monkeypatch.setattr(preflight, "_WAIT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        trunk = Trunk("127.0.0.1", server.getsockname()[1], "tls", tls=Tls(str(authority.ca)))
        with pytest.raises(TrunkError, match="takes connections and answers no TLS: is the port right"):
            preflight.look(trunk)
        server.accept()[0].close()

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"SIP/2.0 400 What\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(TrunkError, match=r"does not speak TLS .*: are the port, .*right"):
            preflight.look(trunk)
        answering.join()


def test_a_connection_is_there_before_the_first_call_and_is_made_again_when_it_ends(
    place: Place, authority: Authority, tmp_path: Path
) -> None:
    """One for each worker, kept from call to call; the trunk's restart costs no worker."""
    identity = ("--tls-cert", str(authority.certify()), "--ring", "0.1")
    with ExitStack() as opened, ExitStack() as up:
        answering = up.enter_context(Answering(identity))
        trunk = dataclasses.replace(answering.trunk, tls=Tls(str(authority.ca)))
        program = psutil.Process(answering._companion._process.pid)

        def connections() -> set[object]:
            return {
                each.raddr
                for each in program.net_connections("tcp")
                if each.status == psutil.CONN_ESTABLISHED
            }

        pool = opened.enter_context(Pool(trunk, log_folder=tmp_path))
        wait_until(lambda: len(connections()) == 2)
        before = connections()
        records = place(pool, 4)
        assert connections() == before
        up.close()
        with Answering((*identity, "--listen", f"127.0.0.1:{trunk.port}")):
            records += place(pool, 4)
        assert pool.health().restarts == 0

    assert Counter(record.outcome for record in records) == {Outcome.ANSWERED: 8}


def test_a_trunk_that_asks_who_calls_is_shown_a_certificate(
    monkeypatch: pytest.MonkeyPatch, place: Place, authority: Authority, tmp_path: Path
) -> None:
    """By the look before the first call, and by the library."""
    monkeypatch.setattr(preflight, "_WAIT_S", 0.5)
    asking = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca))
    asking.load_cert_chain(authority.certify())
    asking.verify_mode = ssl.CERT_REQUIRED
    ours = str(authority.certify("caller.example"))
    shown = []

    def serve(server: socket.socket) -> None:
        for _ in range(2):
            with asking.wrap_socket(server.accept()[0], server_side=True) as connection:
                shown.append((connection.getpeercert() or {})["subjectAltName"])
                connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as server:
        serving = threading.Thread(target=serve, args=(server,))
        serving.start()
        tls = Tls(str(authority.ca), certificate=ours, key=ours)
        trunk = Trunk("127.0.0.1", server.getsockname()[1], "tls", tls=tls)
        with contextlib.suppress(TrunkError):  # it hangs up on OPTIONS
            preflight.look(trunk)
        with Pool(trunk, log_folder=tmp_path) as pool:
            place(pool, 1)
        serving.join()

    assert shown == [(("DNS", "caller.example"),)] * 2


def test_calls_to_a_trunk_that_never_shakes_hands_end_in_time(
    place: Place, authority: Authority, tmp_path: Path
) -> None:
    """By the setup timeout, as those to any trunk that says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        trunk = Trunk("127.0.0.1", silent.getsockname()[1], "tls", tls=Tls(str(authority.ca)))
        with Pool(trunk, log_folder=tmp_path) as pool:
            records = place(pool, 4, **SILENT)

    assert Counter(record.outcome for record in records) == {Outcome.NO_RESPONSE: 4}


def test_a_run_over_tls_leaves_no_secret_in_its_folder(
    locust_command: LocustCommand, start: Start, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With credentials, headers and sources of its own: all answered, options recorded, password nowhere."""
    password = secrets.token_hex(16)
    monkeypatch.setenv("RINGTIME_SIP_PASSWORD", password)
    trunk = start(authority.certify(), "--challenge", "407", "--user", "alice")
    words = {
        "--sip-user": "alice",
        "--headers": "X-Tenant: acme | X-Language: de",
        "--source": "127.0.7.0/29",
    }

    locust_command.start(
        *("--trunk", trunk.uri, "--tls-ca", str(authority.ca), "--numbers", "+1", "--no-report"),
        *("--calls", "6", "--warm-up", "0", "--calls-per-second", "20", "--hold", "0.3"),
        *(part for option in words.items() for part in option),
    )
    _, output = locust_command.end()

    assert {record["outcome"] for record in locust_command.records()} == {"answered"}, output
    run = json.loads((locust_command.folder() / "run.json").read_text())
    assert run["options"].items() >= {name.removeprefix("--"): word for name, word in words.items()}.items()
    assert run["options"]["tls-ca"] == str(authority.ca)
    assert password not in output
    for path in locust_command.folder().rglob("*"):
        assert path.is_dir() or password.encode() not in path.read_bytes(), path


NAMED = """
import dataclasses, pathlib, sys
from sip import preflight
from sip.pool import Pool
from sip.tls import Tls
from sip.trunk import Trunk
from tests.sip.conftest import make_calls
trunk = dataclasses.replace(Trunk.parse(sys.argv[1]), tls=Tls(sys.argv[2]))
preflight.look(trunk)
with Pool(trunk, log_folder=pathlib.Path(sys.argv[3])) as pool:
    print(*(record.outcome for record in make_calls(pool, 1)))
"""


def test_a_trunk_may_have_a_certificate_for_all_names_of_a_domain(
    start: Start, authority: Authority, tmp_path: Path
) -> None:
    """As hosted trunks do, which give a name to each customer; the library knows no such names by itself."""
    port = start(authority.certify("*.trunk.test")).port
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost mine.trunk.test\n")
    command = [sys.executable, "-c", NAMED, f"sips:mine.trunk.test:{port}", str(authority.ca), str(tmp_path)]
    named = f'mount --bind {shlex.quote(str(hosts))} /etc/hosts || exit 77; exec "$@"'

    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c", named, "sh", *command]
    ended = subprocess.run(alone, cwd=ROOT, capture_output=True, text=True, check=False, timeout=40)

    if "unshare failed" in ended.stderr or ended.returncode == 77:
        pytest.skip("nobody may have a hosts file of his own here")
    assert ended.stdout.split() == ["answered"], ended.stderr
