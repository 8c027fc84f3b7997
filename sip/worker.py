"""One worker: a single-threaded pjsua2 endpoint with a handful of lines; the only module that imports pjsua2.

A stale `Call` that is collected hangs up a new call with its id, and an exception in a callback is printed and lost:
so calls are dropped in the turn in which they ended, the collector is off, and `_guarded` is around every callback.
"""

import array
import contextlib
import errno
import functools
import logging
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import pjsua2
from pjsua2 import pjsua2 as bindings

from sip import phone
from sip.native import Library
from sip.record import RtpStats
from sip.voice import RATE_HZ
from sip.wire import CloseCommand, DialCommand, EndCommand, Message, Pulse, Ready, WorkerSpec, encode, receive

POLL_S = 0.5  # commands end the poll early, so this only bounds how soon a tick is seen
PULSE_S = 1.0
AUDIBLE_RMS = 328.0  # -40 dBFS over a 20 ms frame; what livekit-sip sends for silence is a few units
BUSY_RETRY_S = 0.02  # a line stays busy for a moment after its BYE or CANCEL was answered
BUSY_FOR_S = 0.5
TOO_MANY = 70010  # PJ_ETOOMANY: no free line
OS_ERROR = 120000  # PJ_ERRNO_START_SYS: this plus errno
UNREACHABLE = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ECONNRESET}
_TO_TAG = re.compile(r"^(?:To|t)\s*:.*?;\s*tag=([^;\s>]+)", re.IGNORECASE | re.MULTILINE)
_log = logging.getLogger(__name__)


def _guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """Log a callback's exception in the worker's log: in C it would be printed and the event lost."""

    @functools.wraps(callback)
    def guarded(self: Any, *arguments: Any) -> None:
        try:
            callback(self, *arguments)
        except Exception:
            _log.exception("a callback failed")

    return guarded


class Ear(pjsua2.AudioMediaPort):  # type: ignore[misc]
    """Notes when the first audible frame comes; one a line, made at the start and used again and again."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.heard_s: float | None = None
        audio = pjsua2.MediaFormatAudio()
        audio.init(pjsua2.PJMEDIA_FORMAT_PCM, RATE_HZ, 1, 20_000, 16)
        self.createPort(name, audio)

    @_guarded
    def onFrameReceived(self, frame: Any) -> None:  # noqa: N802 - pjsua2's name
        """Runs on the bridge's clock thread: measures and stamps, nothing else."""
        if self.heard_s is None and frame.size:
            samples = array.array("h", bytes(frame.buf))
            if sum(value * value for value in samples) >= AUDIBLE_RMS**2 * len(samples):
                self.heard_s = time.monotonic()


class Line(pjsua2.Call):  # type: ignore[misc]
    """One call: pjsua2's callbacks in, events with their times out."""

    def __init__(
        self,
        account: pjsua2.Account,
        call_id: str,
        emit: Callable[[phone.Event], None],
        voice: pjsua2.AudioMediaPlayer,
        ear: Ear,
    ) -> None:
        super().__init__(account)
        self.call_id = call_id
        self.ended_s: float | None = None
        self.ear = ear
        self.listening = False
        self.invite: int | None = None
        self.waits_for: int | None = None  # the client transaction whose answer the line waits for
        self.rtp: RtpStats | None = None
        self._emit = emit
        self._voice = voice
        self._media: pjsua2.AudioMedia | None = None
        self._seen: set[int] = set()
        self._packets_seen = False
        self._hung_up = False

    @_guarded
    def onCallState(self, prm: Any) -> None:  # noqa: N802 - pjsua2's name
        """The INVITE session changed: CONNECTING is the 200, before the ACK and the media (and CONFIRMED)."""
        now_s = time.monotonic()
        info = self.getInfo()
        if info.state in self._seen:
            return
        self._seen.add(info.state)
        status, reason = info.lastStatusCode, info.lastReason
        if info.state == pjsua2.PJSIP_INV_STATE_CALLING:
            self._emit(phone.InviteSent(self.call_id, now_s, info.callIdString))
        elif info.state == pjsua2.PJSIP_INV_STATE_EARLY:
            self._emit(phone.Ringing(self.call_id, now_s, status, reason))
        elif info.state == pjsua2.PJSIP_INV_STATE_CONNECTING:
            message = _received(prm.e)
            self._emit(phone.Answered(self.call_id, now_s, status, reason, _to_tag(message)))
        elif info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED:
            message = _received(prm.e)
            if pjsua2.PJSIP_INV_STATE_CONNECTING not in self._seen:
                is_local, tag = message is None, _to_tag(message)
                self._emit(phone.Rejected(self.call_id, now_s, status, reason, is_local, tag))
            elif self._hung_up and message is not None and message.startswith("SIP/2.0 "):
                self._emit(phone.ByeAnswered(self.call_id, now_s))
            self.ended_s = now_s

    @_guarded
    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802 - pjsua2's name
        """A transaction of the call changed: 100 Trying, CANCEL and BYE show only here."""
        now_s = time.monotonic()
        state = prm.e.body.tsxState
        transaction = state.tsx
        method, is_client = transaction.method, transaction.role == pjsua2.PJSIP_ROLE_UAC
        started = transaction.state == pjsua2.PJSIP_TSX_STATE_CALLING
        over = transaction.state >= pjsua2.PJSIP_TSX_STATE_COMPLETED
        if is_client and method in ("INVITE", "BYE"):
            self.waits_for = None if over else int(transaction.pjTransaction)
            if method == "INVITE":
                self.invite = self.waits_for
        if method == "INVITE" and transaction.statusCode == 100:
            self._emit(phone.Trying(self.call_id, now_s))
        elif method == "CANCEL" and started:
            self._emit(phone.CancelSent(self.call_id, now_s))
        elif method == "BYE" and not is_client:
            self._emit(phone.FarEndBye(self.call_id, now_s))
        elif method == "BYE" and started:
            self._hung_up = True
            self._emit(phone.ByeSent(self.call_id, now_s))

    @_guarded
    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802 - pjsua2's signature
        """Media runs: our voice to the far end, the far end to our ear."""
        if self._media is None:
            media = self.getAudioMedia(-1)
            self._voice.startTransmit(media)
            self.ear.heard_s = None
            media.startTransmit(self.ear)
            self._media = media
            self.listening = True

    @_guarded
    def onStreamDestroyed(self, prm: Any) -> None:  # noqa: N802 - pjsua2's signature
        """The last moment at which the packet counters can be read."""
        self.keep_counters()

    def keep_counters(self) -> None:
        """Read the packet counters while there is a stream."""
        if self._media is None:
            return
        with contextlib.suppress(pjsua2.Error):
            counters = self.getStreamStat(0).rtcp
            received, rtt = counters.rxStat, counters.rttUsec
            self.rtp = RtpStats(
                sent=counters.txStat.pkt,
                received=received.pkt,
                lost=received.loss,
                reordered=received.reorder,
                duplicates=received.dup,
                jitter_ms=received.jitterUsec.mean / 1000 if received.jitterUsec.n else None,
                rtt_ms=rtt.mean / 1000 if rtt.n else None,
            )

    def listen(self) -> None:
        """See whether the first packet and the first audible sound came; the loop turns with every packet."""
        if not self._packets_seen and self.getStreamStat(0).rtcp.rxStat.pkt:
            self._packets_seen = True
            self._emit(phone.FirstPacket(self.call_id, time.monotonic()))
        if self.ear.heard_s is not None:
            self._emit(phone.FirstAudio(self.call_id, self.ear.heard_s))
            self.stop_listening()

    def stop_listening(self) -> None:
        """Detach the ear, so that the received audio need not be decoded any more."""
        if self.listening:
            self.listening = False
            with contextlib.suppress(pjsua2.Error):
                if self._media is not None:
                    self._media.stopTransmit(self.ear)


class Worker:
    """The endpoint, its lines, and the loop that serves them."""

    def __init__(self, spec: WorkerSpec, pool: socket.socket) -> None:
        self._pool = pool
        self._library = Library(bindings._pjsua2.__file__)  # noqa: SLF001 - where the wheel keeps its C library
        self._endpoint, port = _endpoint(spec)
        slots = self._library.max_calls()
        self._account = _account(spec)
        self._voice = pjsua2.AudioMediaPlayer()
        self._voice.createPlayer(spec.voice)
        self._ears = [Ear(f"ear-{number}") for number in range(slots)]
        self._lines: dict[str, Line] = {}
        self._busy: list[tuple[float, float, DialCommand]] = []
        self._outbox: list[Message] = [Ready(os.getpid(), port, slots)]
        self._lag_s = 0.0

    def run(self) -> None:
        """Serve until the pool says close, or is gone."""
        tick_s = pulse_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if now_s >= tick_s:
                self._lag_s = max(self._lag_s, now_s - tick_s)
                tick_s = now_s + POLL_S
            if now_s >= pulse_s + PULSE_S:
                self._outbox.append(Pulse(time.process_time(), self._lag_s))
                pulse_s, self._lag_s = now_s, 0.0
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

    def _dial(self, command: DialCommand, until_s: float) -> None:
        line = Line(self._account, command.call_id, self._outbox.append, self._voice, self._ears.pop())
        self._lines[command.call_id] = line
        try:
            line.makeCall(command.target, _call_parameters(command))
        except pjsua2.Error as error:
            now_s = time.monotonic()
            self._ears.append(line.ear)
            del self._lines[command.call_id]
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

    def _look(self) -> None:
        """After each turn: listen where something is still to be heard, let ended calls go."""
        ended = []
        for line in self._lines.values():
            if line.ended_s is not None:
                ended.append(line)
            elif line.listening:
                line.listen()
        for line in ended:
            line.stop_listening()
            self._ears.append(line.ear)
            self._outbox.append(phone.Closed(line.call_id, line.ended_s or 0.0, line.rtp))
            del self._lines[line.call_id]

    def _flush(self) -> None:
        try:
            self._pool.send(encode(self._outbox), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return  # the pool does not read just now: kept, and tried again in the next turn
        except ConnectionError:
            return  # the next turn sees that the pool is gone
        self._outbox.clear()


def _received(event: Any) -> str | None:
    """The SIP message that caused an event; None where a timer or the transport did, that is our own stack."""
    if event.type != pjsua2.PJSIP_EVENT_TSX_STATE or event.body.tsxState.type != pjsua2.PJSIP_EVENT_RX_MSG:
        return None
    message: str = event.body.tsxState.src.rdata.wholeMsg
    return message


def _to_tag(message: str | None) -> str | None:
    match = _TO_TAG.search(message or "")
    return match[1] if match else None


def _endpoint(spec: WorkerSpec) -> tuple[pjsua2.Endpoint, int]:
    endpoint = pjsua2.Endpoint()
    endpoint.libCreate()
    config = pjsua2.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 2
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.userAgent = "ringtime"
    config.medConfig.hasIoqueue = False
    config.medConfig.threadCnt = 0
    config.medConfig.clockRate = config.medConfig.sndClockRate = RATE_HZ
    config.medConfig.audioFramePtime = config.medConfig.ptime = 20
    config.medConfig.quality = 1
    config.medConfig.ecTailLen = 0
    config.medConfig.noVad = True  # every 20 ms a packet, speech or not
    endpoint.libInit(config)
    transport = pjsua2.TransportConfig()
    transport.boundAddress = spec.bind
    identity = endpoint.transportCreate(pjsua2.PJSIP_TRANSPORT_UDP, transport)
    endpoint.transportCreate(pjsua2.PJSIP_TRANSPORT_TCP, transport)
    port = int(endpoint.transportGetInfo(identity).localName.rsplit(":", 1)[1])
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    for codec in endpoint.codecEnum2():
        endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith("PCMU/") else 0)
    return endpoint, port


def _account(spec: WorkerSpec) -> pjsua2.Account:
    config = pjsua2.AccountConfig()
    config.idUri = f"sip:ringtime@{spec.host}"
    config.mediaConfig.transportConfig.boundAddress = spec.bind
    config.mediaConfig.transportConfig.port = 0
    config.natConfig.udpKaIntervalSec = 0
    if spec.user is not None:
        credentials = pjsua2.AuthCredInfo("digest", "*", spec.user, 0, spec.password or "")
        config.sipConfig.authCreds.append(credentials)
    account = pjsua2.Account()
    account.create(config)
    return account


def _call_parameters(command: DialCommand) -> pjsua2.CallOpParam:
    parameters = pjsua2.CallOpParam(True)
    parameters.opt.audioCount = 1
    parameters.opt.videoCount = 0
    parameters.txOption.localUri = command.from_uri
    header = pjsua2.SipHeader()
    header.hName, header.hValue = "X-Lk-Test-Id", command.call_id
    parameters.txOption.headers.append(header)
    return parameters


def main(spec: WorkerSpec, pool: socket.socket) -> None:
    """Be a worker until the pool goes; never returns, since PJSIP's destructors are not safe at exit."""
    status = 1
    try:
        log = os.open(spec.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)
        worker = Worker(spec, pool)
        worker.run()
        worker.close()
        status = 0
    except BaseException:
        _log.exception("the worker cannot go on")
    finally:
        os._exit(status)
