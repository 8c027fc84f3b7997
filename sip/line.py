"""One line of a worker: pjsua2's callbacks in, events with their times out.

A stale `Call` that is collected hangs up a new call with its id, and an exception in a callback is printed
and lost: so lines are let go in the turn in which they ended, and `_guarded` is around every callback.
"""

import contextlib
import functools
import logging
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pjsua2

from sip import phone, sdp
from sip.account import Extension
from sip.heard import RtpStats
from sip.native import Library
from sip.srtp import UNENCRYPTED, Srtp, is_encrypted
from sip.trunk import Trunk
from sip.wire import DialCommand, MediaAgreed, Message

AUDIBLE_LEVEL = (
    24  # the bridge's level: mu-law code of a 20 ms frame's mean magnitude, here 256 of 32768 (-42 dBFS)
)
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


class Audio(NamedTuple):
    """What callers say, and what hears the called side: a sink has what it is given decoded."""

    voice: pjsua2.AudioMediaPlayer
    sink: pjsua2.AudioMedia


class Line(pjsua2.Call):  # type: ignore[misc]
    """One call: pjsua2's callbacks in, events with their times out."""

    def __init__(
        self,
        extension: Extension,
        command: DialCommand,
        emit: Callable[[Message], None],
        library: Library,
        audio: Audio | None,
        trunk: Trunk,
    ) -> None:
        super().__init__(extension.account)
        self._arrived_s, self._library = extension.arrived_s, library
        self.call_id = command.call_id
        self.ended_s: float | None = None
        self.listening = False
        self.invite: int | None = None
        self.waits_for: int | None = None  # the client transaction whose answer the line waits for
        self.rtp: RtpStats | None = None
        self._past: RtpStats | None = None  # of the streams that a re-INVITE ended
        self.failure: str | None = None  # what went wrong, where the library has no words for it
        self._srtp, self._digits = trunk.srtp, trunk.digits
        self._emit = emit
        self._ports = command.ports
        self._audio = audio
        self._media: pjsua2.AudioMedia | None = None
        self._seen: set[int] = set()
        self._packets_seen = False
        self._heard = False
        self._early_packets = 0
        self._hung_up = False

    @_guarded
    def onCallState(self, prm: Any) -> None:  # noqa: N802 - pjsua2's name
        """The INVITE session changed: CONNECTING is the 200, before the ACK and the media (and CONFIRMED)."""
        message = _received(prm.e)
        info = self.getInfo()
        if info.state in self._seen:
            return
        self._seen.add(info.state)
        at_s = time.monotonic() if message is None else self._arrived_s()
        status, reason = info.lastStatusCode, info.lastReason
        if info.state == pjsua2.PJSIP_INV_STATE_CALLING:
            self._emit(phone.InviteSent(self.call_id, self._library.sent_s, info.callIdString))
        elif info.state == pjsua2.PJSIP_INV_STATE_EARLY:
            self._emit(phone.Ringing(self.call_id, at_s, status, reason))
            self._agree(message)
        elif info.state == pjsua2.PJSIP_INV_STATE_CONNECTING:
            if self._srtp is Srtp.REQUIRED and not is_encrypted(message or ""):  # the library hangs up then
                self._emit(phone.Rejected(self.call_id, at_s, status, UNENCRYPTED, False, _to_tag(message)))
            else:
                self._emit(phone.Answered(self.call_id, at_s, status, reason, _to_tag(message)))
                self._agree(message)
                self._converse()
        elif info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED:
            self._disconnect(at_s, message, status, reason)

    def _disconnect(self, at_s: float, message: str | None, status: int, reason: str) -> None:
        """It is over, by a message of the far end or, where there is none, by our own stack's decision."""
        is_response = message is not None and message.startswith("SIP/2.0 ")
        if pjsua2.PJSIP_INV_STATE_CONNECTING in self._seen:
            if self._hung_up and is_response:
                self._emit(phone.ByeAnswered(self.call_id, at_s))
        elif message is None:
            reason = self.failure or reason
            self._emit(phone.Rejected(self.call_id, at_s, status, reason, is_local=True, to_tag=None))
        elif is_response:  # and no BYE while it rang (RFC 3261 section 15), which has no status of the INVITE
            tag = _to_tag(message)
            self._emit(phone.Rejected(self.call_id, at_s, status, reason, is_local=False, to_tag=tag))
        self.ended_s = at_s

    @_guarded
    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802 - pjsua2's name
        """A transaction of the call changed: 100 Trying, CANCEL and BYE show only here."""
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
            self._emit(phone.Trying(self.call_id, self._arrived_s()))
        elif method == "CANCEL" and started:
            self._emit(phone.CancelSent(self.call_id, self._library.sent_s))
        elif method == "BYE" and not is_client:
            self._emit(phone.FarEndBye(self.call_id, self._arrived_s()))
        elif method == "BYE" and started:
            self._hung_up = True
            self._emit(phone.ByeSent(self.call_id, self._library.sent_s))

    def onCallRedirected(self, prm: Any) -> int:  # noqa: N802 - pjsua2's name
        """A redirection is an outcome, never followed; STOP, the default, would end the call with a 487."""
        return int(pjsua2.PJSIP_REDIRECT_REJECT)

    @_guarded
    def onCallSdpCreated(self, prm: Any) -> None:  # noqa: N802 - pjsua2's name
        """Our offer or our answer is about to leave, which says where another process hears the call."""
        if self._ports is not None:
            prm.sdp.wholeSdp = sdp.announce(prm.sdp.wholeSdp, *self._ports)
            self._agree(prm.remSdp.wholeSdp)

    def _agree(self, said: str | None) -> None:
        """Tell where the far end's side of the voice is, where its message or its offer says that."""
        if self._ports is not None and said and (far := sdp.read(said)) is not None:
            self._emit(MediaAgreed(self.call_id, far))

    @_guarded
    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802 - pjsua2's signature
        """Media runs, maybe before the answer: a trunk's own ringing tone is not the agent's voice.

        A re-INVITE or an UPDATE ends the stream, with its port of the bridge, and makes another one.
        """
        self._media = None
        if self._audio is None:
            return
        with contextlib.suppress(pjsua2.Error):  # there is none where the far end has put the call on hold
            self._media = self.getAudioMedia(-1)
        self._converse()

    @_guarded
    def onStreamDestroyed(self, prm: Any) -> None:  # noqa: N802 - pjsua2's signature
        """The last moment at which the packet counters can be read."""
        self.keep_counters()
        self._past, self._media = self.rtp, None

    def keep_counters(self) -> None:
        """Read the packet counters while there is a stream."""
        if self._media is None:
            return
        with contextlib.suppress(pjsua2.Error):
            counters = self.getStreamStat(0).rtcp
            received, rtt = counters.rxStat, counters.rttUsec
            stream = RtpStats(
                sent=counters.txStat.pkt,
                received=received.pkt,
                lost=received.loss,
                reordered=received.reorder,
                duplicates=received.dup,
                jitter_ms=received.jitterUsec.mean / 1000 if received.jitterUsec.n else None,
                rtt_ms=rtt.mean / 1000 if rtt.n else None,
            )
            self.rtp = self._past.then(stream) if self._past else stream

    def listen(self) -> None:
        """See whether the first packet and the first audible sound came.

        A callback with the frames would run Python on the bridge's thread, 50 times a second and line, heard
        or not: reading the level that the bridge computes anyway is cheaper and keeps Python on one thread.
        """
        if not self._packets_seen and self.getStreamStat(0).rtcp.rxStat.pkt > self._early_packets:
            self._packets_seen = True
            self._emit(phone.FirstPacket(self.call_id, time.monotonic()))
        # pjsua2 names the levels from the other side: "rx" is what the port is given, our own voice.
        if self._media is not None and self._packets_seen and self._media.getTxLevel() >= AUDIBLE_LEVEL:
            self._heard = True
            self._emit(phone.FirstAudio(self.call_id, time.monotonic()))
            self.stop_listening()

    def _converse(self) -> None:
        """Once answered and with media: our voice goes out, what comes in goes to a sink to be decoded."""
        if self._audio is None or self._media is None:
            return
        if pjsua2.PJSIP_INV_STATE_CONNECTING not in self._seen:
            return
        self._early_packets = self.getStreamStat(0).rtcp.rxStat.pkt
        self._audio.voice.startTransmit(self._media)
        if not self._heard:
            self._media.startTransmit(self._audio.sink)
            self.listening = True
        if self._digits:
            self._key_in()

    def _key_in(self) -> None:
        """Once a call; the stack sends digit after digit in place of the voice, if the far end takes any."""
        keys = pjsua2.CallSendDtmfParam()
        keys.digits, self._digits = self._digits, ""
        try:
            self.sendDtmf(keys)
        except pjsua2.Error as error:
            _log.warning("call %s: no digit was sent, the answer takes none: %s", self.call_id, error.reason)

    def stop_listening(self) -> None:
        """Detach the sink, so that the received audio need not be decoded any more."""
        if self.listening:
            self.listening = False
            with contextlib.suppress(pjsua2.Error):
                if self._media is not None and self._audio is not None:
                    self._media.stopTransmit(self._audio.sink)


def _received(event: Any) -> str | None:
    """The SIP message that caused an event; None where our own stack did: a timer, the transport."""
    if event.type != pjsua2.PJSIP_EVENT_TSX_STATE or event.body.tsxState.type != pjsua2.PJSIP_EVENT_RX_MSG:
        return None
    message: str = event.body.tsxState.src.rdata.wholeMsg
    return message


def _to_tag(message: str | None) -> str | None:
    match = _TO_TAG.search(message or "")
    return match[1] if match else None
