"""The called side of SIP calls as a pure machine: messages and the time in, messages out (RFC 3261)."""

import hashlib
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import NamedTuple

from sip import message, offer
from sip.manner import Fate, Fates, Manner
from sip.message import Request, Response
from sip.servers import Servers
from sip.timers import Action, Timer, Timers

T1_S = 0.5
T2_S = 4.0
GIVE_UP_S = 64 * T1_S
"""How long a message is repeated, and how long what is over is remembered (section 17)."""
_ALLOW = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
_SDP = "Content-Type: application/sdp\r\n"
_NO_SUCH_CALL = (481, "Call/Transaction Does Not Exist")
_LIMIT_REACHED = (503, "Call Limit Reached")
_REASONS = {
    302: "Moved Temporarily",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
}


class Peer(NamedTuple):
    """Where a message came from or goes to: by UDP, or on a `connection` that is there."""

    host: str
    port: int
    connection: int | None = None


class Packet(NamedTuple):
    """A message to send."""

    data: bytes
    to: Peer


class Local(NamedTuple):
    """Our own address, and the port that all media is sent to."""

    host: str
    port: int
    media_port: int


class _State(Enum):
    SETTING_UP = auto()
    UP = auto()
    OVER = auto()


@dataclass(slots=True)
class _Repeat:
    """A message that is sent until somebody says that it has come."""

    packet: Packet
    every_s: float
    until_s: float
    give_up: Action | None
    timer: Timer | None = None

    def stop(self) -> None:
        """It has come."""
        if self.timer is not None:
            self.timer.cancel()


@dataclass(slots=True)
class _Invitation:
    """An INVITE's transaction (section 17.2.1): its latest response, and whether that is its last."""

    request: Request
    peer: Peer
    tag: str
    latest: bytes = b""
    repeat: _Repeat | None = None
    is_final: bool = False
    is_absorbed: bool = False
    """Its repetitions are not answered any more: the 200 comes again by itself, a refusal was taken."""


@dataclass(slots=True)
class _Call:
    """A caller's call: the INVITE that opened it, and how far it has come."""

    opened_by: _Invitation
    cseq: int
    contact: str
    sdp: bytes
    fate: Fate
    state: _State = _State.SETTING_UP
    turn: Timer | None = None
    ended_by: tuple[object, ...] | None = None


class AnsweringSide:
    """Everybody who calls is answered as `manner` says; `secret` makes its tags hard to guess."""

    def __init__(self, manner: Manner, local: Local, *, secret: bytes) -> None:
        self._manner = manner
        self._local = local
        self._secret = secret
        self._fates = Fates(manner)
        self._servers: Servers[_Call] = Servers(manner.at_once)
        self._timers = Timers()
        self._invitations: dict[tuple[object, ...], _Invitation] = {}
        self._calls: dict[tuple[str, str], _Call] = {}
        self._unacknowledged: dict[tuple[str, str, int], _Repeat] = {}
        self._byes: dict[str, _Repeat] = {}
        self._packets: list[Packet] = []
        self.calls_up = 0

    @property
    def next_s(self) -> float | None:
        """When `run` has something to do, on the clock of the times that it is given."""
        return self._timers.next_s

    def run(self, now_s: float) -> list[Packet]:
        """What is to be sent by now."""
        self._timers.run(now_s)
        packets, self._packets = self._packets, []
        return packets

    def receive(self, packet: bytes, peer: Peer, now_s: float) -> list[Packet]:
        """What is to be sent by now, and because of this packet; one that is no SIP is dropped."""
        self._timers.run(now_s)
        received = message.read(packet, peer.host, peer.port)
        if isinstance(received, Response):
            if received.status >= 200 and (repeat := self._byes.pop(received.branch, None)):
                repeat.stop()
        elif received is not None:
            if peer.connection is None and received.reply_port != peer.port:
                peer = Peer(peer.host, received.reply_port)
            self._requested(received, peer, now_s)
        packets, self._packets = self._packets, []
        return packets

    def _requested(self, request: Request, peer: Peer, now_s: float) -> None:
        if request.method == "ACK":
            self._acknowledged(request)
        elif request.refusal is not None:
            status, reason, header = request.refusal
            self._respond(request, peer, status, reason, header)
        elif request.method == "INVITE":
            self._invited(request, peer, now_s)
        elif request.method == "CANCEL":
            self._cancelled(request, peer, now_s)
        elif request.to_tag is not None and self._dialog(request) is None:
            self._respond(request, peer, *_NO_SUCH_CALL)
        elif request.method == "BYE":
            self._hung_up(request, peer, now_s)
        elif request.method == "OPTIONS":
            self._respond(request, peer, 200, "OK", f"{_ALLOW}Accept: application/sdp\r\n")
        else:
            self._respond(request, peer, 501, "Not Implemented", _ALLOW)

    def _invited(self, request: Request, peer: Peer, now_s: float) -> None:
        known = self._invitations.get(request.transaction)
        if known is not None:
            if not known.is_absorbed and known.latest:
                self._packets.append(Packet(known.latest, peer))
            return
        invitation = _Invitation(request, peer, request.to_tag or self._tag(request))
        self._invitations[request.transaction] = invitation
        if request.to_tag is not None:
            self._invited_again(invitation, now_s)
        elif (call := self._calls.get(request.call)) and call.state is not _State.OVER:
            self._refuse(invitation, 482, "Loop Detected", now_s)  # section 8.2.2.2
        else:
            self._called(invitation, now_s)

    def _called(self, invitation: _Invitation, now_s: float) -> None:
        request, manner = invitation.request, self._manner
        self._provisional(invitation, 100, "Trying")
        sdp = offer.answer(request.body, self._local.host, self._local.media_port)
        if sdp is None:
            self._refuse(invitation, 488, "Not Acceptable Here", now_s)
            return
        if manner.status is not None:
            self._refuse(invitation, manner.status, _REASONS.get(manner.status, "Rejected"), now_s)
            return
        if manner.limit is not None and self.calls_up >= manner.limit:
            self._refuse(invitation, *_LIMIT_REACHED, now_s)
            return
        call = _Call(invitation, request.cseq, request.contact or "", sdp, self._fates.draw())
        self._calls[request.call] = call
        self.calls_up += 1
        if manner.silent:
            return
        self._provisional(invitation, 180, "Ringing", self._contact(invitation.peer))
        if self._servers.enter(call):
            self._serve(call, now_s)

    def _invited_again(self, invitation: _Invitation, now_s: float) -> None:
        """A re-INVITE (section 14.2): the call goes on as it was, whatever it asks for that fits."""
        request = invitation.request
        call = self._dialog(request)
        if call is None or call.state is _State.OVER:
            self._refuse(invitation, *_NO_SUCH_CALL, now_s)
        elif call.state is _State.SETTING_UP:
            self._refuse(invitation, 500, "Not Answered Yet", now_s, "Retry-After: 1\r\n")
        elif request.cseq <= call.cseq:
            self._refuse(invitation, 500, "CSeq Out of Order", now_s)
        else:
            call.cseq = request.cseq
            sdp = offer.answer(request.body, self._local.host, self._local.media_port)
            if sdp is None:
                self._refuse(invitation, 488, "Not Acceptable Here", now_s)
            else:
                call.contact = request.contact or call.contact
                self._accept(invitation, call, sdp, now_s)

    def _serve(self, call: _Call, now_s: float) -> None:
        call.turn = self._timers.at(now_s + call.fate.set_up_s, partial(self._set_up, call))

    def _set_up(self, call: _Call, now_s: float) -> None:
        call.turn = None
        if call.fate.busy:
            self._refuse(call.opened_by, 486, "Busy Here", now_s)
            self._over(call, now_s)
            return
        call.state = _State.UP
        self._leave(call, now_s)
        self._accept(call.opened_by, call, call.sdp, now_s)

    def _accept(self, invitation: _Invitation, call: _Call, sdp: bytes, now_s: float) -> None:
        """The 200, over any transport until its ACK (section 13.3.1.4)."""
        request = invitation.request
        headers = self._contact(invitation.peer) + _ALLOW + _SDP
        invitation.is_absorbed = True
        self._last(invitation, 200, "OK", now_s, headers, sdp)
        self._unacknowledged[(*request.call, request.cseq)] = self._repeated(
            Packet(invitation.latest, invitation.peer), now_s, partial(self._never_acknowledged, call)
        )

    def _refuse(
        self, invitation: _Invitation, status: int, reason: str, now_s: float, headers: str = ""
    ) -> None:
        """A refusal, over UDP until its ACK (section 17.2.1)."""
        self._last(invitation, status, reason, now_s, headers)
        packet = Packet(invitation.latest, invitation.peer)
        if invitation.peer.connection is None:
            invitation.repeat = self._repeated(packet, now_s)
        else:
            self._packets.append(packet)

    def _acknowledged(self, request: Request) -> None:
        refused = self._invitations.get(request.transaction)
        if refused is not None and refused.repeat is not None:
            refused.repeat.stop()
            refused.is_absorbed = True
        elif repeat := self._unacknowledged.pop((*request.call, request.cseq), None):
            repeat.stop()

    def _cancelled(self, request: Request, peer: Peer, now_s: float) -> None:
        """Section 9.2: without effect once there is a final response."""
        invitation = self._invitations.get(request.transaction)
        if invitation is None:
            self._respond(request, peer, *_NO_SUCH_CALL)
            return
        self._packets.append(Packet(message.response(request, 200, "OK", tag=invitation.tag), peer))
        call = self._calls.get(invitation.request.call)
        if not invitation.is_final and call is not None:
            self._terminated(call, now_s)

    def _hung_up(self, request: Request, peer: Peer, now_s: float) -> None:
        call = self._dialog(request)
        if call is None or (call.state is _State.OVER and call.ended_by != request.transaction):
            self._respond(request, peer, *_NO_SUCH_CALL)
            return
        self._respond(request, peer, 200, "OK")
        if call.state is _State.SETTING_UP:  # section 15.1.2: what is pending is answered all the same
            self._terminated(call, now_s)
        elif call.state is _State.UP:
            if repeat := self._unacknowledged.pop((*request.call, call.cseq), None):
                repeat.stop()
            self._over(call, now_s)
        call.ended_by = request.transaction

    def _terminated(self, call: _Call, now_s: float) -> None:
        self._refuse(call.opened_by, 487, "Request Terminated", now_s)
        self._over(call, now_s)

    def _never_acknowledged(self, call: _Call, now_s: float) -> None:
        """The 200 has not come through: the session is ended by a BYE (section 13.3.1.4)."""
        if call.state is not _State.UP:
            return
        invitation = call.opened_by
        transport = "UDP" if invitation.peer.connection is None else "TCP"
        branch = f"z9hG4bK{invitation.tag}"
        packet = message.bye(
            invitation.request,
            tag=invitation.tag,
            contact=call.contact,
            via=f"SIP/2.0/{transport} {self._local.host}:{self._local.port};branch={branch};rport",
            cseq=1,
        )
        self._byes[branch] = self._repeated(
            Packet(packet, invitation.peer), now_s, lambda _: self._byes.pop(branch, None)
        )
        self._over(call, now_s)

    def _over(self, call: _Call, now_s: float) -> None:
        if call.state is _State.SETTING_UP:
            self._leave(call, now_s)
        call.state = _State.OVER
        self.calls_up -= 1
        self._timers.at(now_s + GIVE_UP_S, partial(self._forget, call))

    def _forget(self, call: _Call, _: float) -> None:
        key = call.opened_by.request.call
        if self._calls.get(key) is call:
            del self._calls[key]

    def _leave(self, call: _Call, now_s: float) -> None:
        if call.turn is not None:
            call.turn.cancel()
        following = self._servers.leave(call)
        if following is not None:
            self._serve(following, now_s)

    def _dialog(self, request: Request) -> _Call | None:
        call = self._calls.get(request.call)
        return call if call is not None and call.opened_by.tag == request.to_tag else None

    def _provisional(self, invitation: _Invitation, status: int, reason: str, headers: str = "") -> None:
        tag = None if status == 100 else invitation.tag
        request = invitation.request
        routes = "" if status == 100 else _routes(request)
        invitation.latest = message.response(request, status, reason, tag=tag, headers=routes + headers)
        self._packets.append(Packet(invitation.latest, invitation.peer))

    def _last(
        self,
        invitation: _Invitation,
        status: int,
        reason: str,
        now_s: float,
        headers: str = "",
        body: bytes = b"",
    ) -> None:
        request = invitation.request
        if status < 300:
            headers = _routes(request) + headers
        invitation.is_final = True
        invitation.latest = message.response(
            request, status, reason, tag=invitation.tag, headers=headers, body=body
        )
        self._timers.at(now_s + GIVE_UP_S, lambda _: self._invitations.pop(request.transaction, None))

    def _respond(self, request: Request, peer: Peer, status: int, reason: str, headers: str = "") -> None:
        """Answer without keeping anything: the same request gets the same again (section 8.2.7)."""
        packet = message.response(request, status, reason, tag=self._tag(request), headers=headers)
        self._packets.append(Packet(packet, peer))

    def _repeated(self, packet: Packet, now_s: float, give_up: Action | None = None) -> _Repeat:
        repeat = _Repeat(packet, T1_S, now_s + GIVE_UP_S, give_up)
        self._again(repeat, now_s)
        return repeat

    def _again(self, repeat: _Repeat, now_s: float) -> None:
        if now_s >= repeat.until_s:
            if repeat.give_up is not None:
                repeat.give_up(now_s)
            return
        self._packets.append(repeat.packet)
        due_s = min(now_s + repeat.every_s, repeat.until_s)
        repeat.timer = self._timers.at(due_s, partial(self._again, repeat))
        repeat.every_s = min(2 * repeat.every_s, T2_S)

    def _tag(self, request: Request) -> str:
        said = repr((*request.call, request.transaction)).encode("latin-1")
        return hashlib.blake2b(said, digest_size=8, key=self._secret).hexdigest()

    def _contact(self, peer: Peer) -> str:
        transport = "" if peer.connection is None else ";transport=tcp"
        return f"Contact: <sip:{self._local.host}:{self._local.port}{transport}>\r\n"


def _routes(request: Request) -> str:
    return "".join(f"Record-Route: {route}\r\n" for route in request.record_routes)
