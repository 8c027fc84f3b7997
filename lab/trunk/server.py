"""What arrives at the SIP port, given to the call it belongs to or answered on the spot."""

import asyncio
import logging
import uuid
from collections.abc import Callable

from aiosipua import SipRequest, SipResponse
from aiosipua.headers import parse_cseq, parse_via

from lab.trunk import messages
from lab.trunk.call import IncomingCall, Premises
from lab.trunk.messages import response, tag
from lab.trunk.sockets import Peer
from lab.trunk.talk import End

REFUSED_FOR_S = 60.0
"""How long a call whose offer was refused is refused again without a look."""
ABSORBED_FOR_S = 32.0
"""How long a late copy of an answered call's INVITE is known for one (64 T1, RFC 3261 17.2.1)."""

_log = logging.getLogger(__name__)

_Dialog = tuple[str, str, str]  # Call-ID, the caller's tag, ours
_Transaction = tuple[str, str, str, int]  # branch, Call-ID, the caller's tag, CSeq


class Server:
    """The calls of a trunk, and the rules of SIP by which messages find them."""

    def __init__(self, premises: Callable[[], Premises]) -> None:
        """Serve calls that work with what `premises` gives once the port is known."""
        self._premises = premises
        self._dialogs: dict[_Dialog, IncomingCall] = {}
        self._invites: dict[_Transaction, IncomingCall | None] = {}
        self._refused: set[tuple[str, str]] = set()
        self._running: dict[asyncio.Task[None], IncomingCall] = {}
        self._handlers: dict[str, Callable[[SipRequest, Peer], None]] = {
            "INVITE": self._on_invite,
            "ACK": self._on_ack,
            "CANCEL": self._on_cancel,
            "BYE": self._on_bye,
            "OPTIONS": lambda request, peer: peer.reply(response(request, 200, "OK")),
            "NOTIFY": self._on_notify,
        }

    @property
    def calls(self) -> int:
        """Calls that have not been cleared away yet."""
        return len(self._running)

    async def close(self, *, grace_s: float) -> None:
        """End every call and wait until they are cleared away, but not for long."""
        for call in self._running.values():
            call.end(End.SHUTDOWN)
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)

    def receive(self, message: SipRequest | SipResponse, peer: Peer) -> None:
        """Take a message from the SIP port."""
        try:
            known = self._readable(message)
        except ValueError:  # a CSeq or a Via that is none: no answer could be addressed
            return
        if isinstance(message, SipResponse):
            self._on_response(message)
        elif known:
            handler = self._handlers.get(message.method, self._on_unknown)
            handler(message, peer)
        elif message.method != "ACK":
            peer.reply(response(message, 400, "Bad request", headers=(messages.ALLOW,)))

    @staticmethod
    def _readable(message: SipRequest | SipResponse) -> bool:
        """Whether a message says which call it is about; ValueError when not even that can be answered."""
        headers = message.headers
        if not headers.get("Via") or not headers.get("CSeq"):
            raise ValueError("no Via or no CSeq")
        parse_cseq(headers.get("CSeq")[0])
        parse_via(headers.get("Via")[0])
        return bool(headers.get("To") and headers.get("Call-ID") and tag(headers.get_first("From")))

    def _on_invite(self, invite: SipRequest, peer: Peer) -> None:
        transaction = _transaction(invite)
        if transaction in self._invites:
            earlier = self._invites[transaction]
            if earlier is None:
                return
            if not earlier.refused:
                earlier.repeat()
                return
        known = self._dialogs.get(_dialog(invite))
        if known is not None:
            known.renegotiate(invite, peer)
            return
        call_id, from_tag, to_tag = _dialog(invite)
        premises = self._premises()
        challenged = premises.challenges.tag_of(invite)
        to_tag = to_tag or challenged or f"SCL_{messages.random_id(12)}"
        call = IncomingCall(premises, invite, peer, to_tag=to_tag)
        if (call_id, from_tag) in self._refused:
            call.refuse_again()
            return
        dialog = (call_id, from_tag, to_tag)
        self._dialogs[dialog] = call
        self._invites[transaction] = call
        task = asyncio.create_task(call.run())
        self._running[task] = call
        task.add_done_callback(lambda task: self._cleared_away(task, call, dialog, transaction))

    def _cleared_away(
        self, task: asyncio.Task[None], call: IncomingCall, dialog: _Dialog, transaction: _Transaction
    ) -> None:
        loop = asyncio.get_running_loop()
        del self._running[task]
        if self._dialogs.get(dialog) is call:
            del self._dialogs[dialog]
        if call.answered:
            self._invites[transaction] = None
            loop.call_later(ABSORBED_FOR_S, self._invites.pop, transaction, None)
        elif self._invites.get(transaction) is call:
            del self._invites[transaction]
        if call.offer_refused:
            self._refused.add(dialog[:2])
            loop.call_later(REFUSED_FOR_S, self._refused.discard, dialog[:2])
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a call broke off", exc_info=error, extra={"fields": {"callID": call.to_tag}})

    def _on_ack(self, ack: SipRequest, _: Peer) -> None:
        call = self._dialogs.get(_dialog(ack))
        if call is not None:
            call.acknowledge()

    def _on_cancel(self, cancel: SipRequest, peer: Peer) -> None:
        call = self._invites.get(_transaction(cancel))
        if call is not None:
            call.cancel(lambda: peer.reply(response(cancel, 200, "OK", to_tag=str(uuid.uuid4()))))

    def _on_bye(self, bye: SipRequest, peer: Peer) -> None:
        if not _dialog(bye)[2]:
            peer.reply(response(bye, 400, ""))
            return
        call = self._dialogs.get(_dialog(bye))
        if call is None or not call.end(End.CALLER_BYE):
            peer.reply(response(bye, 481, "Call does not exist"))
            return
        peer.reply(response(bye, 200, "OK"))

    def _on_notify(self, notify: SipRequest, peer: Peer) -> None:
        dialog = _dialog(notify)
        if not dialog[2]:
            peer.reply(response(notify, 400, ""))
        elif dialog in self._dialogs:
            peer.reply(response(notify, 501, "unknown event"))
        else:
            peer.reply(response(notify, 481, "Call does not exist"))

    def _on_unknown(self, request: SipRequest, peer: Peer) -> None:
        peer.reply(response(request, 405, "Method Not Allowed"))

    def _on_response(self, answer: SipResponse) -> None:
        # The only requests of this side are BYEs; in them its own tag is the one in From.
        headers = answer.headers
        dialog = (
            headers.get_first("Call-ID") or "",
            tag(headers.get_first("To")),
            tag(headers.get_first("From")),
        )
        call = self._dialogs.get(dialog)
        if call is not None and answer.status_code >= 200:
            call.bye_answered()


def _dialog(request: SipRequest) -> _Dialog:
    headers = request.headers
    return (
        headers.get_first("Call-ID") or "",
        tag(headers.get_first("From")),
        tag(headers.get_first("To")),
    )


def _transaction(request: SipRequest) -> _Transaction:
    call_id, from_tag, _ = _dialog(request)
    branch = parse_via(request.headers.get("Via")[0]).branch or ""
    return branch, call_id, from_tag, parse_cseq(request.headers.get("CSeq")[0]).seq
