"""One worker: a single-threaded pjsua2 endpoint, its lines, and the loop that serves them."""

import contextlib
import errno
import logging
import os
import secrets
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable

import pjsua2

from sip import phone, sdp
from sip.account import account_of_strangers, extensions, udp_port
from sip.endpoint import Endpoint
from sip.line import Audio, Line
from sip.media import Media
from sip.priority import raised_priority
from sip.vital_signs import Sign, VitalSigns
from sip.wire import (
    CloseCommand,
    DialCommand,
    EndCommand,
    MediaAgreed,
    Message,
    Ready,
    WorkerSpec,
    decode,
    encode,
    receive,
)

TICK_S = 1.0  # between signs of life; commands end the poll earlier
LISTEN_S = 0.005  # how exact the first audible sound is, beside the bridge's 20 ms frames
BUSY_RETRY_S = 0.02  # a line stays busy for a moment after its BYE or CANCEL was answered
BUSY_FOR_S = 0.5
_REHEARSALS = 20
TOO_MANY = 70010  # PJ_ETOOMANY: no free line
OS_ERROR = 120000  # PJ_ERRNO_START_SYS: this plus errno
UNREACHABLE = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ECONNRESET}
_log = logging.getLogger(__name__)


class Worker:
    """The endpoint, its lines, and the loop that serves them."""

    def __init__(
        self, spec: WorkerSpec, pool: socket.socket, endpoint: Endpoint, vital_signs: VitalSigns
    ) -> None:
        self._trunk = spec.trunk
        self._pool = pool
        self._pool.setblocking(False)
        self._inbox = select.poll()
        self._inbox.register(pool, select.POLLIN)
        self._library = endpoint.library
        self._lines: dict[str, Line] = {}
        self._endpoint = endpoint
        endpoint.begin(spec.trunk.host, spec.trunk.tls, spec.media, self._distrust)
        self._extensions = extensions(self._endpoint, spec, calls=self._library.max_calls())
        self._strangers = account_of_strangers()
        self._audio = _audio(self._endpoint, spec)
        self._busy: list[tuple[float, float, DialCommand]] = []
        self._outbox: list[Message] = [Ready(os.getpid(), udp_port(self._endpoint), len(self._extensions))]
        self._number = spec.number
        self._vital_signs = vital_signs
        self._listening = False

    def run(self) -> None:
        """Serve until the pool says close, or is gone."""
        tick_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if now_s >= tick_s:
                self._vital_signs.write(self._number, Sign(now_s, time.process_time(), now_s - tick_s))
                tick_s = now_s + TICK_S
            if self._inbox.poll(0):  # cheaper in every turn than the exception of an empty socket
                commands = receive(self._pool)
                if commands is None:
                    return
                for command in commands:
                    if isinstance(command, CloseCommand):
                        return
                    self._obey(command, now_s)
            self._retry(now_s)
            if self._outbox:
                self._flush()
            wake_s = min(tick_s, self._busy[0][0]) if self._busy else tick_s
            if self._listening:
                wake_s = min(wake_s, now_s + LISTEN_S)
            self._endpoint.libHandleEvents(max(0, round((wake_s - time.monotonic()) * 1000)))
            self._look()

    def close(self) -> None:
        """Hang up whatever is up; the answers are not waited for longer than a moment."""
        self._endpoint.hangupAllCalls()
        until_s = time.monotonic() + 0.2
        while time.monotonic() < until_s:
            self._endpoint.libHandleEvents(20)

    def _obey(self, command: Message, now_s: float) -> None:
        if isinstance(command, DialCommand):
            self._dial(command, now_s + BUSY_FOR_S)
        elif isinstance(command, EndCommand):
            line = self._lines.get(command.call_id)
            if line is not None and line.ended_s is None:
                self._end(line, command.how)
            elif line is None:
                self._forget_busy(command.call_id, now_s)

    def _dial(self, command: DialCommand, until_s: float) -> None:
        line = Line(
            self._extensions[command.line],
            command,
            self._outbox.append,
            self._library,
            self._audio,
            self._trunk,
        )
        self._lines[command.call_id] = line
        try:
            line.makeCall(command.target, _call_parameters(command, self._trunk.headers))
        except pjsua2.Error as error:
            now_s = time.monotonic()
            self._let_go(line)
            if error.status == TOO_MANY and now_s < until_s:
                self._busy.append((now_s + BUSY_RETRY_S, until_s, command))
            elif error.status - OS_ERROR in UNREACHABLE:
                reason = f"{error.reason} (the request could not be sent)"
                self._outbox.append(phone.Rejected(command.call_id, now_s, 503, reason, True, None))
                self._outbox.append(phone.Closed(command.call_id, now_s, None))
            else:
                text = f"the SIP stack refused to dial: {error.reason} ({error.status})"
                self._outbox.append(phone.Lost(command.call_id, now_s, text))

    def _end(self, line: Line, how: str) -> None:
        try:
            if how == "drop":
                if line.waits_for is not None:
                    self._library.give_up(line.waits_for)
                else:
                    line.hangup(pjsua2.CallOpParam(True))
            elif line.invite is not None and how == "cancel":
                self._library.cancel(line.invite)
            elif line.waits_for is None:
                line.keep_counters()
                bye = pjsua2.CallSendRequestParam()
                bye.method = "BYE"  # hangup() would report the end before the BYE leaves and hide its answer
                line.sendRequest(bye)
        except pjsua2.Error as error:
            _log.warning("%s of call %s: %s", how, line.call_id, error.reason)

    def _retry(self, now_s: float) -> None:
        while self._busy and self._busy[0][0] <= now_s:
            _, until_s, command = self._busy.pop(0)
            self._dial(command, until_s)

    def _forget_busy(self, call_id: str, now_s: float) -> None:
        """A call that still waited for a line and is given up never gets one."""
        waiting = [entry for entry in self._busy if entry[2].call_id != call_id]
        if len(waiting) < len(self._busy):
            self._busy = waiting
            self._outbox.append(phone.Closed(call_id, now_s, None))

    def _distrust(self, why: str) -> None:
        """The trunk's end of a new connection is a stranger: what waits for it is about to fail."""
        for line in self._lines.values():
            line.failure = f"the trunk's certificate was not accepted: {why}"

    def _look(self) -> None:
        """After each turn: listen where something is still to be heard, let ended calls go."""
        ended = []
        self._listening = False
        for line in self._lines.values():
            if line.ended_s is not None:
                ended.append(line)
            elif line.listening:
                self._listening = True
                with contextlib.suppress(pjsua2.Error):  # its media may have gone in this very turn
                    line.listen()
        for line in ended:
            line.stop_listening()
            self._outbox.append(phone.Closed(line.call_id, line.ended_s or 0.0, line.rtp))
            self._let_go(line)
        if ended:
            self._library.settle()

    def _let_go(self, line: Line) -> None:
        del self._lines[line.call_id]

    def _flush(self) -> None:
        try:
            self._pool.send(encode(self._outbox))
        except BlockingIOError:
            return  # the pool does not read just now: kept, and tried again in the next turn
        except ConnectionError:
            return  # the next turn sees that the pool is gone
        self._outbox.clear()


def _audio(endpoint: Endpoint, spec: WorkerSpec) -> Audio | None:
    if spec.media is not Media.PJSUA2:
        return None
    voice = pjsua2.AudioMediaPlayer()
    voice.createPlayer(spec.voice)
    return Audio(voice, endpoint.audDevManager().getPlaybackDevMedia())  # of the null device


def _call_parameters(command: DialCommand, headers: Iterable[tuple[str, str]]) -> pjsua2.CallOpParam:
    parameters = pjsua2.CallOpParam(True)
    parameters.opt.audioCount = 1
    parameters.opt.videoCount = 0
    parameters.txOption.localUri = command.from_uri
    # A trace is found by a record, and back; whoever makes the call again makes another one.
    parameters.opt.customCallId = f"{command.call_id}@{secrets.token_hex(4)}"
    for name, value in (("X-Lk-Test-Id", command.call_id), *headers):
        header = pjsua2.SipHeader()
        header.hName, header.hValue = name, value
        parameters.txOption.headers.append(header)
    return parameters


def rehearse() -> None:
    """Run what every call runs, so that the interpreter has adapted its code before workers share it."""
    command = DialCommand("rehearsal", "sip:a@example.invalid", "sip:b@example.invalid", 0, (4000, 4001))
    offer = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\na=rtcp:10 IN IP4 127.0.0.1\r\n"
    for _ in range(_REHEARSALS):
        _call_parameters(command, ())
        far = sdp.read(sdp.announce(offer, 4000, 4001))
        encode([Ready(0, 0, 0), *([MediaAgreed("rehearsal", far)] if far else [])])
        decode(encode([command]))


def _priority(spec: WorkerSpec) -> contextlib.AbstractContextManager[None]:
    """Precedence where a worker plays audio or reads the clock itself; else the share that the zygote has.

    A real-time process that is woken by each message takes the processor from the one that sends it: a far
    end on the same machine would starve, while another core is idle.
    """
    keeps_time = spec.media is Media.PJSUA2 or spec.trunk.transport != "udp"
    return raised_priority() if keeps_time else contextlib.nullcontext()


def main(spec: WorkerSpec, pool: socket.socket, endpoint: Endpoint, vital_signs: VitalSigns) -> None:
    """Be a worker, with an endpoint that has not begun, until the pool goes.

    It never returns: PJSIP's destructors are not safe at exit.
    """
    status = 1
    try:
        log = os.open(spec.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with _priority(spec):
            worker = Worker(spec, pool, endpoint, vital_signs)
            worker.run()
            worker.close()
        status = 0
    except BaseException:
        _log.exception("the worker cannot go on")
    finally:
        os._exit(status)
