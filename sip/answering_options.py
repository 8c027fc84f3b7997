"""The command line of `python -m sip answer`."""

import argparse
import contextlib
import dataclasses
import gc
import ipaddress
import json
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

from sip.answering_ears import Heard, Speaking
from sip.answering_sockets import AnsweringSockets
from sip.challenge import Algorithm, Challenge
from sip.errors import PhoneError, TrunkError, UsageError
from sip.handshake import load_identity
from sip.manner import Manner, Service
from sip.media import Speech
from sip.options import within
from sip.own_trunk import PASSWORD
from sip.wav import Wav, WavError

_MEDIA = {"play": Speech.LOOP, "echo": Speech.ECHO, "none": None}
_MOST_CALLS = 1_000_000
_MOST_SECONDS = 86_400.0


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        default="127.0.0.1:0",
        help="where calls come in, over UDP and TCP; port 0 is any that is free (default: %(default)s)",
    )
    parser.add_argument(
        "--tls-cert", metavar="FILE", help="take connections over TLS, with this certificate, PEM"
    )
    parser.add_argument(
        "--tls-key", metavar="FILE", help="the key of that certificate, PEM (default: in the same file)"
    )
    parser.add_argument(
        "--ring",
        type=float,
        metavar="S",
        default=0.1,
        help="seconds that it takes to set a call up (default: %(default)g)",
    )
    parser.add_argument(
        "--service",
        choices=[each.value for each in Service],
        default=Service.CONSTANT,
        help="how these seconds are spread around that mean (default: %(default)s)",
    )
    parser.add_argument(
        "--at-once",
        type=int,
        metavar="N",
        help="calls set up at a time, the others ringing in a queue: N / S calls a second are what it takes "
        "(default: all)",
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="calls up at once, others get 503 (default: no limit)"
    )
    parser.add_argument(
        "--busy-share",
        type=float,
        metavar="SHARE",
        default=0.0,
        help="of the calls get 486 instead of an answer, drawn at random (default: %(default)g)",
    )
    parser.add_argument("--status", type=int, metavar="CODE", help="refuse every call with this status")
    parser.add_argument("--silent", action="store_true", help="never ring: 100 is all that a caller gets")
    parser.add_argument(
        "--challenge",
        type=int,
        choices=[401, 407],
        help="ask callers for digest credentials by this status: of --user, with the password in "
        "RINGTIME_SIP_PASSWORD",
    )
    parser.add_argument("--user", metavar="NAME", help="the user whose calls are taken then")
    parser.add_argument(
        "--digest",
        choices=[each.value for each in Algorithm],
        help="the algorithm of these credentials (default: both, for the caller to choose)",
    )
    parser.add_argument("--stale", action="store_true", help="have each call's first nonce be stale")
    parser.add_argument(
        "--seed", type=int, default=1, help="of what is drawn at random (default: %(default)d)"
    )
    parser.add_argument(
        "--media",
        choices=[*_MEDIA],
        default="none",
        help="what callers hear: `play` the --voice, over and over, `echo` themselves, or `none`: nothing "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--voice",
        metavar="WAV",
        help="what is played: PCM, mono or stereo, 8 to 96 kHz, up to a minute (default: a made-up phrase "
        "and a pause)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="say on standard output, in JSON, where it answers and, with --media, at the end what it heard; "
        "end with standard input",
    )


def run(given: argparse.Namespace) -> int:
    """Answer calls until told to end; 0 then, 1 where nothing can listen there, 2 for a wrong option."""
    try:
        manner, speaking = read(given), _speaking(given)
        tls, challenge = _identity(given), _challenge(given, os.environ)
        host, port = _address(given.listen)
        told = sys.stdin.fileno() if given.json else None
        with AnsweringSockets(
            manner, host, port, tls=tls, challenge=challenge, speaking=speaking, until_end_of=told
        ) as answering:
            uri = f"sip:{host}:{answering.port}{';transport=tls' if tls else ''}"
            if given.json:
                print(json.dumps({"ready": True, "uri": uri}), flush=True)
            else:
                over = "TLS" if tls else "TCP"
                print(f"Calls to {uri} are answered, over UDP and {over}; Ctrl-C ends it.", flush=True)
            gc.disable()  # calls leave no cycles, and looking for them would stop all that ring meanwhile
            answering.serve()
        if answering.heard is not None:
            _tell(answering.heard, in_json=given.json)
    except (UsageError, TrunkError, PhoneError) as error:
        if given.json:
            print(json.dumps({"ready": False, "error": str(error)}), flush=True)
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def read(given: argparse.Namespace) -> Manner:
    """Check what was given; raises UsageError with the option's name, its value and what would do."""
    within("--ring", given.ring, 0.0, _MOST_SECONDS)
    within("--busy-share", given.busy_share, 0.0, 1.0)
    if given.at_once is not None:
        within("--at-once", given.at_once, 1, _MOST_CALLS)
    if given.limit is not None:
        within("--limit", given.limit, 0, _MOST_CALLS)
    if given.status is not None:
        within("--status", given.status, 300, 699)
    if given.silent and given.status is not None:
        raise UsageError("--status", given.status, "--silent answers nothing: leave one of them out")
    return Manner(
        ring_s=given.ring,
        service=Service(given.service),
        at_once=given.at_once,
        limit=given.limit,
        busy_share=given.busy_share,
        status=given.status,
        silent=given.silent,
        seed=given.seed,
    )


def _speaking(given: argparse.Namespace) -> Speaking | None:
    speech = _MEDIA[given.media]
    voice = None
    if given.voice is not None:
        if speech is not Speech.LOOP:
            raise UsageError("--voice", given.voice, f"--media {given.media} does not play it: give play")
        try:
            voice = Wav.read(Path(given.voice))
        except WavError as error:
            raise UsageError("--voice", given.voice, str(error)) from error
    return None if speech is None else Speaking(speech, voice)


def _tell(heard: Heard, *, in_json: bool) -> None:
    words = (
        f"{heard.calls} calls with a voice: {heard.sent} packets sent, {heard.received} received, "
        f"{heard.lost} lost; {heard.unheard} calls without."
    )
    said = json.dumps({"ended": True, **dataclasses.asdict(heard)}) if in_json else words
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more
        os.write(sys.stdout.fileno(), f"{said}\n".encode())


def _identity(given: argparse.Namespace) -> ssl.SSLContext | None:
    if given.tls_cert is None:
        if given.tls_key is not None:
            raise UsageError("--tls-key", given.tls_key, "it is the key of a certificate: add --tls-cert")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_identity(context, given.tls_cert, given.tls_key, option="--tls")
    return context


def _challenge(given: argparse.Namespace, environment: Mapping[str, str]) -> Challenge | None:
    if given.challenge is None:
        for option in ("user", "digest", "stale"):
            if value := getattr(given, option):
                raise UsageError(f"--{option}", value, "nobody is asked for credentials: add --challenge")
        return None
    if not given.user:
        raise UsageError("--user", given.user, "name the one whose calls are taken after a --challenge")
    password = environment.get(PASSWORD)
    if not password:
        raise UsageError("--user", given.user, f"its password belongs into {PASSWORD}")
    algorithms = (Algorithm(given.digest),) if given.digest else tuple(Algorithm)
    return Challenge(
        status=given.challenge,
        user=given.user,
        password=password,
        algorithms=algorithms,
        stale=given.stale,
    )


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    remedy = "give an IPv4 address of this machine and a port, such as 127.0.0.1:5060"
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        raise UsageError("--listen", listen, remedy) from None
    if address.is_unspecified:  # callers are told where to go on, and there it is not
        raise UsageError("--listen", listen, remedy)
    if not (colon and port.isascii() and port.isdecimal() and len(port) < 6 and int(port) < 65_536):
        raise UsageError("--listen", listen, remedy)
    return str(address), int(port)
