"""What an answering side can be asked for, and what is refused with the option's name and what would do."""

import argparse
import json
import socket

import pytest

from sip.__main__ import main, parser
from sip.answering_options import read
from sip.manner import Manner, Service


def given(*words: str) -> argparse.Namespace:
    """What these words ask for."""
    return parser().parse_args(["answer", *words])


def test_without_options_it_rings_for_a_moment_and_answers_all() -> None:
    """A far end for a tester's own baseline."""
    assert read(given()) == Manner()


def test_all_options_are_taken() -> None:
    """Each as it is named."""
    words = "--ring 2 --service exponential --at-once 3 --limit 40 --busy-share 0.1 --status 480 --seed 9"

    assert read(given(*words.split())) == Manner(
        ring_s=2.0,
        service=Service.EXPONENTIAL,
        at_once=3,
        limit=40,
        busy_share=0.1,
        status=480,
        seed=9,
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--ring -1", "--ring cannot be -1.0: give a number from 0 to 86400"),
        ("--ring nan", "--ring cannot be nan: give a number from 0 to 86400"),
        ("--at-once 0", "--at-once cannot be 0: give a number from 1 to 1e+06"),
        ("--limit -1", "--limit cannot be -1: give a number from 0 to 1e+06"),
        ("--busy-share 2", "--busy-share cannot be 2.0: give a number from 0 to 1"),
        ("--status 200", "--status cannot be 200: give a number from 300 to 699"),
        ("--status 480 --silent", "--status cannot be 480: --silent answers nothing: leave one of them out"),
        ("--challenge 401", "--user cannot be None: name the one whose calls are taken after a --challenge"),
        (
            "--challenge 401 --user me",
            "--user cannot be 'me': its password belongs into RINGTIME_SIP_PASSWORD",
        ),
        ("--user me", "--user cannot be 'me': nobody is asked for credentials: add --challenge"),
        ("--stale", "--stale cannot be True: nobody is asked for credentials: add --challenge"),
        ("--tls-cert no.pem", "--tls-cert cannot be 'no.pem': give a certificate and, by --tls-key, its key"),
        ("--tls-key no.pem", "--tls-key cannot be 'no.pem': it is the key of a certificate: add --tls-cert"),
        ("--voice no.wav", "--voice cannot be 'no.wav': --media none does not play it: give play"),
        ("--media play --voice no.wav", "--voice cannot be 'no.wav': there is no such file; give a WAV file"),
        ("--listen 5060", "--listen cannot be '5060': give an IPv4 address of this machine and a port"),
        ("--listen 127.0.0.1:99999", "--listen cannot be '127.0.0.1:99999': give an IPv4 address"),
        ("--listen 0.0.0.0:0", "--listen cannot be '0.0.0.0:0': give an IPv4 address"),
    ],
)
def test_an_impossible_value_is_refused(
    words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and exit code 2; for a program that started it, in JSON as well."""
    assert main(["answer", "--json", *words.split()]) == 2

    said = capsys.readouterr()
    assert said.err.startswith(sentence)
    assert json.loads(said.out) == {"ready": False, "error": said.err.strip()}


def test_a_port_that_is_taken_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and what would do."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{holder.getsockname()[1]}"

        assert main(["answer", "--listen", place]) == 1

    said = capsys.readouterr().err
    assert said == (
        f"nothing can listen on {place}: Address already in use; --listen takes an address of this machine "
        "and a free port, 0 for any\n"
    )
