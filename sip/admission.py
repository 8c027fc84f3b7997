"""Whether a run may start at all: its options, its web interface, and whoever pays for its calls."""

import os
import socket
import sys
from argparse import Namespace

from sip.course import LoadTest, Prepared
from sip.errors import UsageError


def read(load_test: LoadTest, given: Namespace) -> Prepared:
    """What is to be run; raises UsageError."""
    prepared = load_test.read(given, os.environ)
    for option in ("master", "worker", "processes"):
        if prepared.plan is None and (value := getattr(given, option)):
            remedy = "one process places all of a search's calls: leave it out"
            raise UsageError(f"--{option}", value, remedy)
    return prepared


def check(load_test: LoadTest, given: Namespace) -> None:
    """Exit with 2 and a sentence where it may not; asks at the terminal before calls that cost money."""
    try:
        prepared = read(load_test, given)
        if not given.headless:
            _check_web_port(given)
    except UsageError as error:
        sys.exit(refused(error))
    trunk = prepared.options.trunk
    if trunk is None or trunk.is_loopback or prepared.options.yes or _asked(prepared):
        return
    sys.exit(2)


def refused(error: UsageError) -> int:
    """Say so; the answer is the exit code."""
    print(f"locust: error: {error}", file=sys.stderr)
    return error.exit_code


def _check_web_port(given: Namespace) -> None:
    """Raise UsageError where Locust's web interface could not listen: it would end in a traceback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Locust does
        try:
            probe.bind((given.web_host.replace("*", ""), given.web_port))
        except OSError as error:
            remedy = f"the web interface cannot listen there ({error.strerror}): give another, or --headless"
            raise UsageError("--web-port", given.web_port, remedy) from error


def _asked(prepared: Prepared) -> bool:
    chosen = prepared.options
    assert chosen.trunk is not None  # noqa: S101 - asked only where there is one
    print(
        f"{prepared.announcement} to {chosen.trunk.uri}, "
        f"to {', '.join(f'{arm.name} at {arm.number}' for arm in chosen.arms)}. They may cost money.",
        file=sys.stderr,
    )
    if chosen.provisions:
        print(
            f"For that it makes a trunk and a dispatch rule an arm at {os.environ['LIVEKIT_URL']}, removed "
            "at the end, and gives each agent one job before the first call.",
            file=sys.stderr,
        )
    if not sys.stdin.isatty():
        print("locust: error: nobody is there to agree: add --yes to go on without asking", file=sys.stderr)
        return False
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
