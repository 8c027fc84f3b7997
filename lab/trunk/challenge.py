"""Digest authentication of callers (RFC 2617 without qop), as livekit-sip asks for it."""

import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass

from aiosipua import SipDigestAuth, SipRequest
from aiosipua.auth import build_credentials
from aiosipua.headers import AuthChallenge, parse_auth, stringify_auth

from lab.trunk.messages import tag

MOST_OPEN = 500
"""Challenges kept at a time; the oldest makes room for the newest."""


class Refusal(Exception):  # noqa: N818 - an answer to the caller, not an error of the trunk
    """The caller may not call: a status, a reason and, for 407, the header with the challenge to answer."""

    def __init__(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.headers = headers


@dataclass(frozen=True, slots=True)
class _Open:
    challenge: AuthChallenge
    from_tag: str
    to_tag: str


class Challenges:
    """The challenges sent and not yet answered, one a Call-ID, the newest only."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def tag_of(self, invite: SipRequest) -> str | None:
        """The To tag under which this call was challenged before: the call goes on with the same one."""
        known = self._open.get(invite.headers.get_first("Call-ID") or "")
        if known is None or known.from_tag != tag(invite.headers.get_first("From")):
            return None
        return known.to_tag

    def admit(self, invite: SipRequest, username: str, password: str, *, to_tag: str) -> None:
        """Return if `invite` proves that it knows the password.

        Raises:
            Refusal: It carries no proof (407, with a new challenge) or a wrong one (401).
        """
        call_id = invite.headers.get_first("Call-ID") or ""
        header = invite.headers.get_first("Proxy-Authorization")
        if header is None:
            nonce = f"{time.time_ns() // 1000}-{call_id}"
            challenge = AuthChallenge("Digest", {"realm": "LiveKit", "nonce": nonce, "algorithm": "MD5"})
            self._open[call_id] = _Open(challenge, tag(invite.headers.get_first("From")), to_tag)
            self._open.move_to_end(call_id)
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
            raise Refusal(407, "Unauthorized", ("Proxy-Authenticate", stringify_auth(challenge)))
        given = parse_auth(header, credentials=True).params
        known = self._open.get(call_id)
        if known is None or not {"username", "uri", "response"} <= given.keys():
            raise Refusal(401, "Bad credentials")
        # Over the client's own uri and the challenge that was kept: what the header says of realm and nonce
        # is not compared, a wrong nonce shows in the response.
        right = build_credentials(
            SipDigestAuth(username, password), known.challenge, invite.method, given["uri"]
        )
        proof = "" if right is None else right.params["response"]
        if given["username"] != username or not hmac.compare_digest(proof, given["response"]):
            raise Refusal(401, "Unauthorized")
        del self._open[call_id]
