"""Locust's side of a run: options, the users that dial, the shape, live statistics, master and workers."""

import logging
import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

import gevent
from gevent import Greenlet
from locust import LoadTestShape, User, events, runners, task
from locust.env import Environment
from locust.exception import StopUser
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner, Runner, WorkerRunner

from network.lifetime import end_with
from sip import admission, declared, live
from sip.course import Calls, LoadTest, Prepared
from sip.errors import UsageError
from sip.generator import Generator
from sip.load import Load
from sip.locust_master import Master
from sip.locust_worker import LocustWorker
from sip.run import INTERRUPTED, Run, Verdict

__all__ = ["Caller", "UntilAllCallsEnded", "run"]

_MESSAGE = "ringtime"  # of Locust's messages, those that are ours
_ONE_PRESS_S = 0.5
_log = logging.getLogger(__name__)
# Seconds without a word after which Locust misses a worker. Its own 3 are not enough for
# one that starts its phones on a busy machine.
runners.HEARTBEAT_LIVENESS = 10


class Caller(User):
    """Places all calls of the plan, or of a worker's share: one user in each process that places calls.

    Calls arrive when they are due, not when others end, so more users would not be more callers.
    """

    @task
    def place_calls(self) -> None:
        """Stay until the last record."""
        _desk.drive()
        raise StopUser


class UntilAllCallsEnded(LoadTestShape):
    """Keeps Locust running until every call has its record."""

    use_common_options = True  # -t is the plan's own; without this Locust warns that it has no effect

    def reset_time(self) -> None:
        """A new test begins: forget the run before. Locust's master says so again once it has begun."""
        super().reset_time()
        _desk.forget()

    def tick(self) -> tuple[int, float] | None:
        """A user for each process that places calls, or None at the end."""
        return None if _desk.over else (_desk.users, float(_desk.users))


class _Channel:
    """Locust's messages from the master to its workers (`sip.locust_master.Channel`)."""

    def __init__(self, runner: MasterRunner) -> None:
        self._runner = runner

    def members(self) -> list[str]:
        """Those that Locust has heard of lately."""
        return [client.id for client in self._runner.clients.all if client.state != STATE_MISSING]

    def send(self, message: Mapping[str, Any], member: str) -> None:
        """Say something to one of them; it hears all or, where it is gone, nothing."""
        if member in self._runner.clients:
            self._runner.send_message(_MESSAGE, dict(message), member)


class _Desk:
    """What the handlers of Locust's events have in common: the run, or the share of one, and the verdict."""

    def __init__(self) -> None:
        self.load_test: LoadTest = Calls()
        self.run: Run | None = None
        self.verdict: Verdict | None = None
        self.users = 1
        self._runner: Runner | None = None
        self._master: Master | None = None
        self._worker: LocustWorker | None = None
        self._driving: Greenlet | None = None
        self._finishing: Greenlet | None = None
        self._said = False
        self._interrupted_s: float | None = None

    @property
    def over(self) -> bool:
        """Whether the run has come to its end."""
        return self.run is not None and self.run.over

    def forget(self) -> None:
        """A new test begins: nothing is left of one that has its verdict."""
        if self.verdict is not None:
            self.run = self._master = self._finishing = self.verdict = None
        if isinstance(self._runner, MasterRunner):
            self.users = max(1, self._runner.worker_count)

    def install(self, environment: Environment) -> None:
        """Refuse what is impossible before anything starts, and take over Ctrl-C."""
        self._runner = environment.runner
        given = _given(environment)
        if isinstance(self._runner, WorkerRunner | MasterRunner):
            self._runner.register_message(_MESSAGE, self._receive)
        if isinstance(self._runner, WorkerRunner):
            environment.process_exit_code = 0  # the master judges
            self._worker = self._as_worker(environment, self._runner, given)
            if given.processes:
                end_with(os.getppid())
        else:
            admission.check(self.load_test, given)
        for number in (signal.SIGINT, signal.SIGTERM):
            gevent.signal_handler(number, self._interrupt, environment, number)

    def begin(self, environment: Environment) -> None:
        """A test starts: bring up what it calls."""
        if isinstance(self._runner, WorkerRunner):
            return  # its share came before
        self.verdict, self._said = None, False
        given = _given(environment)
        try:
            prepared = admission.read(self.load_test, given)
        except UsageError as error:  # changed in the web form
            environment.process_exit_code = admission.refused(error)
            return
        options = declared.as_given(given, self.load_test.declared)
        run = self.run = Run(prepared, options, self._load(environment, prepared, options))
        environment.stop_timeout = run.drain_s
        run.start()
        if self._master is not None:
            self._driving = gevent.spawn(run.drive)

    def drive(self) -> None:
        """Place the calls that are this process's, to the last one."""
        if self._worker is not None:
            self._worker.await_end()
        elif self.run is not None:
            self.run.drive()

    def stop_dialling(self) -> None:
        """The test is being stopped: calls that are up live to their end."""
        if self.run is not None:
            self.run.stop_dialling("stopped by hand")

    def end(self, environment: Environment) -> None:
        """A test has stopped: take everything down and have it judged."""
        if self._worker is not None:
            self._worker.leave("the test was stopped")
            environment.stop_timeout = 0  # Locust would wait for that long before it takes part in another
        if self.run is None:
            return
        if self._finishing is None:
            # Of its own: Locust may end the greenlet that stopped the test while the records are read.
            self._finishing = gevent.spawn(self._finish, environment, self.run)
        self._finishing.join()

    def await_end(self) -> None:
        """Locust ends: not before the run is judged, or the share is closed."""
        if self._finishing is not None:
            self._finishing.join()
        if self._worker is not None:
            self._worker.leave("the worker was told to end")

    def say(self) -> None:
        """Print the verdict, once."""
        if self.verdict is not None and not self._said:
            print(self.verdict.words, flush=True)
        self._said = True

    def _load(self, environment: Environment, prepared: Prepared, options: Mapping[str, Any]) -> Load:
        """What places the calls: this process, or Locust's workers."""
        if isinstance(self._runner, MasterRunner) and prepared.plan is not None:
            self._master = Master(prepared, prepared.plan, options, _Channel(self._runner))
            return self._master
        return Generator(
            prepared.options,
            prepared.course(0, 1),
            lines=prepared.lines,
            most_lines=prepared.most_lines,
            on_record=lambda record: live.show(environment.events.request, record),
        )

    def _finish(self, environment: Environment, run: Run) -> None:
        if self._driving is not None:
            self._driving.kill()
            self._driving = None
        self.verdict = run.finish()
        environment.process_exit_code = self.verdict.exit_code
        if environment.web_ui is None:
            return  # said at the very end, after Locust's own tables
        self.say()
        if self._interrupted_s is not None:
            environment.web_ui.stop()

    def _receive(self, environment: Environment, msg: Message, **_: object) -> None:
        """Take what the master says to a worker, or a worker to the master."""
        if self._master is not None:
            self._master.receive(msg.node_id, msg.data)
        if self._worker is not None:
            self._worker.receive(msg.data)

    def _as_worker(self, environment: Environment, runner: WorkerRunner, given: Namespace) -> LocustWorker:
        return LocustWorker(
            self.load_test,
            given,
            send=lambda message: runner.send_message(_MESSAGE, dict(message)),
            spawn=gevent.spawn,
            on_record=lambda record: live.show(environment.events.request, record),
        )

    def _interrupt(self, environment: Environment, number: signal.Signals) -> None:
        before_s, self._interrupted_s = self._interrupted_s, time.monotonic()
        # Who sends SIGTERM may do so more than once, and one Ctrl-C comes twice where a wrapper passes it on.
        if before_s is not None and (
            number == signal.SIGTERM or self._interrupted_s - before_s < _ONE_PRESS_S
        ):
            return
        if before_s is not None:
            _log.warning("Interrupted again: leaving at once")
            if self.run is not None:
                self.run.abandon()
            os._exit(INTERRUPTED)
        if self._worker is not None and self._runner is not None:
            self._worker.withdraw()
            self._runner.quit()
            return
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
    _desk.stop_dialling()


@events.test_stop.add_listener
def _end(environment: Environment, **_: object) -> None:
    _desk.end(environment)


@events.quitting.add_listener
def _await_end(**_: object) -> None:
    _desk.await_end()


@events.quit.add_listener
def _say(**_: object) -> None:
    _desk.say()
