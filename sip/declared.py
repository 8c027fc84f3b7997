"""The options of `locustfiles/calls.py` as a parser is told of them."""

import argparse
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from network.emulation import Executor
from network.spec import CLEAN
from sip.media import Media
from sip.plan import Arrivals
from sip.srtp import Srtp


class Observe(StrEnum):
    """How the rooms are watched."""

    WEBHOOK = "webhook"
    POLL = "poll"
    OFF = "off"


_FLAG: Mapping[str, Any] = {"action": "store_true"}
DECLARED: Mapping[str, Mapping[str, Any]] = {
    "trunk": {
        "metavar": "URI",
        "help": "SIP URI to call, such as sip:trunk.example.net or sip:trunk.example.net;transport=tls "
        "(default: start the lab)",
    },
    "allow-remote": {**_FLAG, "help": "let --trunk be another machine: its calls may cost money"},
    "yes": {**_FLAG, "help": "do not ask before calling another machine"},
    "arms": {
        "metavar": "NAME[=KIND],…",
        "help": "builds to compare, the reference first; kinds in the lab: none, unbounded, bounded, "
        "deferred, vendor-0.2.6, vendor-0.3.2, each vendor-… with -bounded too, ffi:PATH (default: "
        "unbounded,bounded)",
    },
    "candidate": {"metavar": "NAME", "help": "the arm that the gates judge (default: the last one)"},
    "numbers": {"metavar": "NAME=NUMBER,…", "help": "with --trunk: the number that reaches each arm"},
    "agents": {
        "metavar": "NAME=AGENT,…",
        "help": "with --trunk, LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET: agents of that "
        "deployment to call; trunks and rules for --numbers (default: drawn from +1555010xxxx, where any "
        "number reaches it) are made there and removed at the end",
    },
    "sip-user": {"metavar": "USER", "help": "digest user; the password comes from RINGTIME_SIP_PASSWORD"},
    "tls-ca": {
        "metavar": "FILE",
        "help": "certificates, PEM, of who vouches for a trunk called over TLS (default: what this system "
        "believes in)",
    },
    "tls-insecure": {**_FLAG, "help": "take anybody for that trunk, whatever its certificate"},
    "client-cert": {"metavar": "FILE", "help": "our own certificate for it, PEM, where it asks for one"},
    "client-key": {"metavar": "FILE", "help": "the key of that certificate, PEM (default: in the same file)"},
    "srtp": {
        "choices": [each.value for each in Srtp],
        "help": "with --trunk: encrypt media, by keys in the SDP (default: off)",
    },
    "source": {
        "metavar": "ADDRESS[/PREFIX|-LAST]",
        "help": "with --trunk: this machine's addresses that calls are made from, one a line and then again "
        "(default: the one that leads there)",
    },
    "headers": {
        "metavar": "NAME: VALUE | …",
        "help": "header lines of your own for every INVITE, with --trunk: 'X-Tenant: acme | X-Language: de'",
    },
    "dtmf": {
        "metavar": "DIGITS",
        "help": "with --trunk: keyed in (RFC 4733) as soon as a call is answered: '1234#'",
    },
    "media": {
        "choices": [each.value for each in Media],
        "help": "what carries the voice: our RTP `pump`, the SIP stack itself (`pjsua2`, as with --srtp), or "
        "`none`: many more calls, of which nothing is heard (default: the best there is)",
    },
    "voice": {
        "metavar": "WAV",
        "help": "what the callers say: PCM, mono or stereo, 8 to 96 kHz, up to a minute (default: a made-up "
        "phrase and a pause)",
    },
    "record": {
        "metavar": "WHICH",
        "help": "keep what calls sounded like: worst:N or sample:SHARE. These are people's voices (default: "
        "none)",
    },
    "calls": {"type": int, "default": 200, "help": "calls to place, warm-up not counted"},
    "calls-per-second": {"type": float, "default": 1.0, "help": "arrival rate"},
    "arrivals": {
        "default": "poisson",
        "choices": [each.value for each in Arrivals],
        "help": "how calls are spread",
    },
    "warm-up": {"type": int, "default": 2, "help": "first calls of each arm, not in the figures"},
    "max-concurrent": {
        "type": int,
        "help": "calls up at once at the most; more are dropped (default: no limit)",
    },
    "hold": {"type": float, "default": 5.0, "help": "seconds from answer to hang-up"},
    "ring-timeout": {"type": float, "default": 60.0, "help": "seconds that a caller lets it ring"},
    "setup-timeout": {"type": float, "default": 32.0, "help": "seconds to wait for a first ring"},
    "stop-after-failures": {"type": int, "default": 50, "help": "give up after this many in a row"},
    "network": {
        "metavar": "SPEC",
        "default": CLEAN,
        "help": "the lab's network: NAME, or by leg caller=NAME;agent=NAME;settings=NAME; caller=A+B gives "
        "each call one of several; names: python -m network list, or a TOML file",
    },
    "network-executor": {
        "choices": [each.value for each in Executor],
        "help": "what emulates that network (default: the best that can here)",
    },
    "filter-fault": {
        "metavar": "KIND[=S][:SHARE]",
        "help": "mistreat the lab's filter set-ups, several joined by +: silent:0.2+latency=2:0.3; kinds: "
        "docs/faults.md (default: none)",
    },
    "bound": {"type": float, "default": 5.0, "help": "deadline of the bounded arm, s"},
    "agent-processes": {
        "type": int,
        "metavar": "N",
        "help": "jobs that each of the lab's agents takes at once; more calls find none (default: no limit)",
    },
    "livekit-sip": {
        "metavar": "PATH",
        "help": "the lab's trunk; `embedded` is built in (default: what is on PATH)",
    },
    "observe": {
        "choices": [each.value for each in Observe],
        "help": "how the rooms are watched (default: the lab by webhook, a deployment by poll where "
        "LIVEKIT_* are set, else off)",
    },
    "gates": {
        "metavar": "SPEC",
        "help": '"not_answered<=0.02,…" or a TOML file (default: [tool.ringtime.gates] of ./pyproject.toml, '
        "else those of docs/reading.md)",
    },
    "baseline": {
        "metavar": "RUN,…",
        "help": "kept runs that this one is held against: folders, or their summary.json",
    },
    "seed": {"type": int, "help": "of arrivals, arms and faults (default: drawn, and recorded)"},
    "run-dir": {"metavar": "DIR", "default": "runs", "help": "where run folders go"},
    "otlp": {
        "metavar": "URL",
        "help": "push the figures to an OpenTelemetry collector too, such as http://collector:4318; headers "
        "that it asks for come from RINGTIME_OTLP_HEADERS=name=value,…",
    },
    "no-report": {**_FLAG, "help": "write no HTML page; the verdict is there all the same"},
}
"""The options of `locustfiles/calls.py` by name, with what argparse wants to know of them."""


class Parser(Protocol):
    """What `argparse` and Locust's parser have in common."""

    def add_argument(self, *names: str, **settings: Any) -> Any:
        """Declare one option."""


def declare(parser: Parser, declared: Mapping[str, Mapping[str, Any]] = DECLARED) -> None:
    """Declare every option, each with an environment variable RINGTIME_<NAME>."""
    for name, settings in declared.items():
        shown = " (default: %(default)s)" if "default" in settings else ""
        variable = f"RINGTIME_{name.upper().replace('-', '_')}"
        parser.add_argument(f"--{name}", env_var=variable, **{**settings, "help": settings["help"] + shown})


def as_given(
    namespace: argparse.Namespace, declared: Mapping[str, Mapping[str, Any]] = DECLARED
) -> dict[str, Any]:
    """The options as they came, by name; none of them is a secret."""
    return {name: getattr(namespace, name.replace("-", "_")) for name in declared}
