"""Locust's side of a run: options, the one user that dials, the shape, live statistics, the exit code."""

import logging
import os
import signal
import socket
import sys
from argparse import Namespace
from typing import Any

import gevent
from locust import LoadTestShape, User, events, task
from locust.env import Environment
from locust.exception import StopUser

from sip import declared
from sip.course import Calls, LoadTest, Prepared
from sip.errors import UsageError
from sip.generator import Generator
from sip.outcome import Outcome
from sip.record import CallRecord
from sip.run import INTERRUPTED, Run, Verdict

__all__ = ["Caller", "UntilAllCallsEnded", "run"]

_log = logging.getLogger(__name__)


class CallFailed(Exception):  # noqa: N818 - Locust's tables show the name of the class
    """What Locust shows for a call that was not answered: its outcome, one of a small set."""


class Caller(User):
    """Places all calls of the plan: one user, since calls arrive when they are due, not when others end."""

    fixed_count = 1

    @task
    def place_calls(self) -> None:
        """Drive the run to its last record."""
        if _desk.run is not None:
            _desk.run.drive()
        raise StopUser


class UntilAllCallsEnded(LoadTestShape):
    """Keeps Locust running until every call has its record."""

    use_common_options = True  # -t is the plan's own; without this Locust warns that it has no effect

    def reset_time(self) -> None:
        """A new test begins: forget the run before."""
        super().reset_time()
        _desk.run = None

    def tick(self) -> tuple[int, float] | None:
        """One user, or None at the end."""
        return None if _desk.run is not None and _desk.run.over else (1, 1.0)


class _Desk:
    """What the handlers of Locust's events share: the run, if there is one, and its verdict."""

    def __init__(self) -> None:
        self.load_test: LoadTest = Calls()
        self.run: Run | None = None
        self.verdict: Verdict | None = None
        self._said = False
        self._interrupted = False

    def install(self, environment: Environment) -> None:
        """Refuse what is impossible before anything starts, and take over Ctrl-C."""
        given = _given(environment)
        try:
            prepared = self.read(given)
            if not given.headless:
                _check_web_port(given)
        except UsageError as error:
            sys.exit(_refusal(error))
        trunk = prepared.options.trunk
        if (
            trunk is not None
            and not trunk.is_loopback
            and not prepared.options.yes
            and not _confirmed(prepared)
        ):
            sys.exit(2)
        for number in (signal.SIGINT, signal.SIGTERM):
            gevent.signal_handler(number, self._interrupt, environment)

    def begin(self, environment: Environment) -> None:
        """A test starts: bring up what it calls."""
        self.verdict, self._said = None, False
        given = _given(environment)
        try:
            prepared = self.read(given)
        except UsageError as error:  # changed in the web form
            environment.process_exit_code = _refusal(error)
            prepared = None
        if prepared is not None:
            generator = Generator(
                prepared.options,
                prepared.course(),
                at_once=prepared.at_once,
                on_record=lambda record: _show(environment, record),
            )
            self.run = Run(prepared, declared.as_given(given, self.load_test.declared), generator)
            environment.stop_timeout = self.run.drain_s
            self.run.start()

    def read(self, given: Namespace) -> Prepared:
        """What is to be run; raises UsageError."""
        for option in ("master", "worker", "processes"):
            if value := getattr(given, option):
                raise UsageError(f"--{option}", value, "one process places all the calls: leave it out")
        return self.load_test.read(given, os.environ)

    def end(self, environment: Environment) -> None:
        """A test has stopped: take everything down and have it judged."""
        if self.run is None:
            return
        self.verdict = self.run.finish()
        environment.process_exit_code = self.verdict.exit_code
        if environment.web_ui is None:
            return  # said at the very end, after Locust's own tables
        self.say()
        if self._interrupted:
            environment.web_ui.stop()

    def say(self) -> None:
        """Print the verdict, once."""
        if self.verdict is not None and not self._said:
            print(self.verdict.words, flush=True)
        self._said = True

    def _interrupt(self, environment: Environment) -> None:
        if self._interrupted:
            _log.warning("Interrupted again: leaving at once")
            if self.run is not None:
                self.run.abandon()
            os._exit(INTERRUPTED)
        self._interrupted = True
        environment.process_exit_code = INTERRUPTED
        if self.run is not None and self.verdict is None:
            _log.warning("Interrupted: ending the calls; once more to leave at once")
            self.run.interrupt()
        elif environment.web_ui is not None:
            environment.web_ui.stop()
        else:
            sys.exit(INTERRUPTED)


_desk = _Desk()


def run(load_test: LoadTest) -> None:
    """Have Locust run this one; without a word it is that of `locustfiles/calls.py`."""
    _desk.load_test = load_test


def _given(environment: Environment) -> Namespace:
    given: Namespace | None = environment.parsed_options
    assert given is not None  # noqa: S101 - Locust's command always parses
    return given


def _check_web_port(given: Namespace) -> None:
    """Raise UsageError where Locust's web interface could not listen: it would end in a traceback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Locust does
        try:
            probe.bind((given.web_host.replace("*", ""), given.web_port))
        except OSError as error:
            remedy = f"the web interface cannot listen there ({error.strerror}): give another, or --headless"
            raise UsageError("--web-port", given.web_port, remedy) from error


def _refusal(error: UsageError) -> int:
    print(f"locust: error: {error}", file=sys.stderr)
    return error.exit_code


def _confirmed(prepared: Prepared) -> bool:
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


def _show(environment: Environment, record: CallRecord) -> None:
    """Have Locust's tables and charts show the call, under its arm; warm-up calls are no figures."""
    if record.warm_up:
        return
    answered = record.outcome is Outcome.ANSWERED
    environment.events.request.fire(
        request_type="ring-to-answer",
        name=record.arm,
        response_time=record.ring_s * 1000,
        response_length=0,
        exception=None if answered else CallFailed(str(record.outcome)),
        context={},
    )


@events.init_command_line_parser.add_listener
def _declare(parser: Any, **_: object) -> None:
    declared.declare(parser, _desk.load_test.declared)


@events.init.add_listener
def _install(environment: Environment, **_: object) -> None:
    _desk.install(environment)


@events.test_start.add_listener
def _begin(environment: Environment, **_: object) -> None:
    _desk.begin(environment)


@events.test_stopping.add_listener
def _stop_dialling(**_: object) -> None:
    if _desk.run is not None:
        _desk.run.stop_dialling("stopped by hand")


@events.test_stop.add_listener
def _end(environment: Environment, **_: object) -> None:
    _desk.end(environment)


@events.quit.add_listener
def _say(**_: object) -> None:
    _desk.say()
