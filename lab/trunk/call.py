"""One call into the trunk, from its INVITE to its end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiosipua import SipRequest, SipResponse
from livekit import api

from lab.trunk import messages, routing
from lab.trunk.attributes import attributes
from lab.trunk.challenge import Challenges, Refusal
from lab.trunk.media import NoPortError, RtpPort
from lab.trunk.offer import Offer, UnacceptableOfferError, read_offer, rtp_target
from lab.trunk.participant import JoinError, SipParticipant, access_token
from lab.trunk.pulse import Pulse
from lab.trunk.sockets import Peer
from lab.trunk.srtp import Srtp, new_key
from lab.trunk.talk import End, Talk

RING_EVERY_S = 1.0
RING_TIMEOUT_S = 180.0
LONGEST_S = 24 * 3600.0

_log = logging.getLogger(__name__)

# Any other end leaves the room with the status the call had.
_SEEN_AS_HANGUP = {End.CANCELLED, End.CALLER_BYE, End.MEDIA_TIMEOUT}


@dataclass(frozen=True, slots=True)
class Premises:
    """What every call of a trunk works with; it is at `host`, which callers are told is `advertised`."""

    livekit: api.LiveKitAPI
    http: aiohttp.ClientSession
    url: str
    key: str
    secret: str
    challenges: Challenges
    pulse: Pulse
    host: str
    advertised: str
    rtp_ports: tuple[int, int]
    sip_port: int


class IncomingCall:
    """A call, and what its caller may still do to it."""

    def __init__(self, premises: Premises, invite: SipRequest, peer: Peer, *, to_tag: str) -> None:
        """Take the call up; nothing is sent before `run`."""
        loop = asyncio.get_running_loop()
        self.to_tag = to_tag
        self.offer_refused = False
        self.refused = False
        """Whether the caller got a final response that is no 200."""
        self._premises = premises
        self._invite = invite
        self._peer = peer
        self._parties = routing.Call(
            from_user=messages.user(invite.headers.get_first("From")),
            to_user=messages.user(invite.headers.get_first("To")),
            source=peer.address[0],
        )
        self._received_s = loop.time()
        self._timestamps_ms: dict[str, float] = {}
        self._ended: asyncio.Future[End] = loop.create_future()
        self._provisional: SipResponse | None = None
        self._rings = False
        self._accept_cancel: Callable[[], None] | None = None
        self._sdp = b""
        self._rtp: RtpPort | None = None
        self._talk: Talk | None = None

    def end(self, how: End) -> bool:
        """End the call; False when it has ended already."""
        if self._ended.done():
            return False
        self._ended.set_result(how)
        return True

    def cancel(self, accept: Callable[[], None]) -> None:
        """Take a CANCEL, and `accept` it unless it comes after the final response (RFC 3261 9.2).

        Before the first 180 a CANCEL has to wait for it.
        """
        if self.answered or not self.end(End.CANCELLED):
            return
        if self._rings:
            accept()
        else:
            self._accept_cancel = accept

    @property
    def answered(self) -> bool:
        """Whether the call got its 200."""
        return self._talk is not None

    def repeat(self) -> None:
        """Answer a retransmission of the INVITE: with the last provisional response, or not at all."""
        if self._provisional is not None and not self.answered and not self._ended.done():
            self._peer.reply(self._provisional)

    def acknowledge(self) -> None:
        """Take the ACK of the 200."""
        if self._talk is not None:
            self._talk.acknowledged.set()

    def bye_answered(self) -> None:
        """Take the response to the BYE of this side."""
        if self._talk is not None:
            self._talk.bye_answered.set()

    def refuse_again(self) -> None:
        """Give the answer this call got before, when its offer was refused."""
        self._refuse(400, "", messages.ALLOW, self._contact())

    def renegotiate(self, request: SipRequest, peer: Peer) -> None:
        """Answer a re-INVITE with the SDP of the first answer, and send RTP to where it wants it now."""
        if self._rtp is None or not self.answered:
            peer.reply(messages.response(request, 491, "Request Pending", to_tag=self.to_tag))
            return
        target = rtp_target(request.text)
        if target is not None:
            self._rtp.send_to(*target)
        headers = (messages.SDP, messages.ALLOW, self._contact())
        peer.reply(messages.response(request, 200, "OK", to_tag=self.to_tag, headers=headers, body=self._sdp))

    async def run(self) -> None:
        """Carry the call to its end; all it took is given back when this returns."""
        self._provide(100, "Processing")
        self._stamp("inviteToTryingMs")
        try:
            route = await routing.find_route(self._premises.livekit, self._parties)
            if route.trunk is not None and route.trunk.auth_password:
                self._premises.challenges.admit(
                    self._invite, route.trunk.auth_username, route.trunk.auth_password, to_tag=self.to_tag
                )
        except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
            self._say(logging.WARNING, f"the LiveKit server gave no trunks and rules: {error}")
            self._refuse(503, "Service Unavailable")
            return
        except Refusal as refusal:
            self._refuse(refusal.status, refusal.reason, *refusal.headers)
            return
        self._provide(180, "Ringing")
        self._stamp("inviteToRingingMs")
        self._rings = True
        if self._accept_cancel is not None:
            self._accept_cancel()
        if route.trunk is None or route.rule is None:
            missing = "trunk" if route.trunk is None else "dispatch rule"
            self._say(logging.INFO, f"no {missing} takes calls to {self._parties.to_user}: not answered")
            return
        try:
            await self._place(route.trunk, route.rule)
        except UnacceptableOfferError as error:
            self._say(logging.INFO, f"refused: {error}")
            self.offer_refused = True
            self.refuse_again()
        except NoPortError as error:
            self._say(logging.WARNING, str(error))
            self._refuse(500, "Server Internal Error")

    async def _place(self, trunk: api.SIPInboundTrunkInfo, rule: api.SIPDispatchRuleInfo) -> None:
        """Bring the caller into the room the rule names and stay until the call is over."""
        offer = read_offer(self._invite.text)
        srtp, key = _encryption(offer, trunk)
        participant = self._participant(trunk, rule)
        self._rtp = rtp = RtpPort(participant.say, participant.next_frame)
        port = rtp.open(self._premises.host, self._premises.rtp_ports)
        rtp.agree(offer.codec, offer.payload_type, srtp)
        rtp.send_to(offer.address or self._peer.address[0], offer.port)
        self._sdp = offer.answer(self._premises.advertised, port, key=key)

        def beat() -> None:
            participant.beat()
            rtp.beat()

        participant.gone.add_done_callback(lambda gone: gone.cancelled() or self.end(End.ROOM_CLOSED))
        self._premises.pulse.add(beat)
        try:
            await self._ring(participant, trunk)
            if not self._ended.done():
                self._talk = Talk(self._peer, *self._last_words(participant, trunk), rtp, participant)
                self._stamp("inviteToAcceptMs")
                self._say(logging.INFO, "signaling timestamps")
                longest_s = trunk.max_call_duration.ToTimedelta().total_seconds() or LONGEST_S
                await self._talk.run(self.end, self._ended, longest_s)
        finally:
            self.end(End.SHUTDOWN)
            self._premises.pulse.remove(beat)
            rtp.close()
            self._say(logging.INFO, "call statistics", stats=rtp.statistics())
            await asyncio.gather(self._part(), self._leave(participant))

    def _participant(self, trunk: api.SIPInboundTrunkInfo, rule: api.SIPDispatchRuleInfo) -> SipParticipant:
        identity = f"sip_{self._parties.from_user}"
        given = attributes(self._invite, self._parties, trunk, rule, to_tag=self.to_tag)
        token = access_token(
            self._premises.key,
            self._premises.secret,
            room=routing.room_name(rule.rule, self._parties),
            identity=identity,
            name=f"Phone {self._parties.from_user}",
            attributes=given,
            rule=rule,
        )
        return SipParticipant(self._premises.http, self._premises.url, token, given, identity)

    async def _ring(self, participant: SipParticipant, trunk: api.SIPInboundTrunkInfo) -> None:
        """Join the room and ring until somebody is heard there, or the call ends.

        A call taken back meanwhile is only looked at once the room is joined, as livekit-sip does.
        """
        bell = asyncio.create_task(self._ring_on())
        try:
            await participant.join()
            longest_s = trunk.ringing_timeout.ToTimedelta().total_seconds() or RING_TIMEOUT_S
            first: set[asyncio.Future[Any]] = {self._ended, participant.heard}
            await asyncio.wait(first, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
            if not participant.heard.done():
                self.end(End.RING_TIMEOUT)
        except JoinError as error:
            self._say(logging.WARNING, str(error))
            self.end(End.NOT_JOINED)
        finally:
            bell.cancel()

    async def _ring_on(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s += RING_EVERY_S
            await asyncio.sleep(due_s - loop.time())
            if not self._ended.done():
                self._provide(180, "Ringing")

    def _last_words(
        self, participant: SipParticipant, trunk: api.SIPInboundTrunkInfo
    ) -> tuple[SipResponse, SipRequest]:
        """The 200 that answers the call and the BYE that may end it."""
        headers = [self._contact(), messages.SDP, *trunk.headers.items()]
        for name, header in trunk.attributes_to_headers.items():
            if name in participant.attributes:
                headers.append((header, participant.attributes[name]))
        ok = messages.response(self._invite, 200, "OK", to_tag=self.to_tag, headers=headers, body=self._sdp)
        via = f"SIP/2.0/{self._peer.protocol.upper()} {self._premises.advertised}:{self._premises.sip_port}"
        return ok, messages.bye(self._invite, to_tag=self.to_tag, via=via)

    async def _part(self) -> None:
        """Tell the caller that the call has ended, unless the caller did."""
        how = self._ended.result()
        if self._talk is None:
            self._say(logging.INFO, "signaling timestamps")
        self._say(logging.INFO, f"call ended: {how}")
        if how is End.CALLER_BYE:
            return
        if self._talk is not None:
            await self._talk.hang_up(once=how is End.SHUTDOWN)
        elif how is End.CANCELLED:
            self._refuse(487, "Request Terminated")
        else:
            self._refuse(486, "Rejected")

    async def _leave(self, participant: SipParticipant) -> None:
        if self._ended.result() in _SEEN_AS_HANGUP:
            await participant.set_status("hangup")
        await participant.leave()

    def _provide(self, status: int, reason: str) -> None:
        self._provisional = messages.response(
            self._invite, status, reason, to_tag=self.to_tag, headers=(messages.ALLOW,)
        )
        self._peer.reply(self._provisional)

    def _refuse(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        self.refused = True
        self._peer.reply(messages.response(self._invite, status, reason, to_tag=self.to_tag, headers=headers))

    def _contact(self) -> tuple[str, str]:
        here = f"{self._premises.advertised}:{self._premises.sip_port}"
        return "Contact", f"<sip:{here};transport={self._peer.protocol}>"

    def _stamp(self, name: str) -> None:
        elapsed_s = asyncio.get_running_loop().time() - self._received_s
        self._timestamps_ms[name] = round(elapsed_s * 1000, 3)

    def _say(self, level: int, sentence: str, **more: object) -> None:
        named = {"callID": self.to_tag, "callIDFull": self._invite.headers.get_first("Call-ID")}
        _log.log(level, "%s", sentence, extra={"fields": named | self._timestamps_ms | more})


def _encryption(offer: Offer, trunk: api.SIPInboundTrunkInfo) -> tuple[Srtp | None, bytes | None]:
    """How the call's RTP is encrypted, and the key to answer with; None and None where it is not."""
    setting = trunk.media_encryption
    if offer.key is not None and setting != api.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE:
        key = new_key()
        return Srtp.agree(ours=key, theirs=offer.key), key
    if setting == api.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE:
        raise UnacceptableOfferError("the trunk requires encrypted media, which the offer does not have")
    return None, None
