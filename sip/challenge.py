"""What an answering side asks for before it takes a call: digest credentials (RFC 3261 section 22)."""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sip.message import Refusal, Request

_REALM = "ringtime"
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_REASONS = {401: "Unauthorized", 407: "Proxy Authentication Required"}
_HEADERS = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}


class Algorithm(StrEnum):
    """By what a digest is made (RFC 7616 section 3.2, RFC 8760 section 2.3)."""

    SHA_256 = "SHA-256"
    MD5 = "MD5"

    def digest(self, *parts: str) -> str:
        """H of the parts with a colon between each two."""
        made = hashlib.sha256 if self is Algorithm.SHA_256 else hashlib.md5
        return made(":".join(parts).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Only `user` is let in, who knows the `password`, by the `status` 401 or 407.

    A caller that knows several `algorithms` takes the first (RFC 8760 section 2.4). Where `stale`, the first
    credentials of every call come too late: it has to send others, for a new nonce.
    """

    status: int
    user: str
    password: str = field(repr=False)
    algorithms: tuple[Algorithm, ...] = tuple(Algorithm)
    stale: bool = False

    def refusal(self, request: Request, secret: bytes) -> Refusal | None:
        """How a request without right credentials is refused, or None for one with them.

        `secret` makes nonces hard to guess; there are two for a call, made of its Call-ID.
        """
        first, second = (_nonce(request, number, secret) for number in (1, 2))
        for credentials in request.authorization if self.status == 401 else request.proxy_authorization:
            given = _parameters(credentials)
            if not self._is_right(given, request.method):
                continue
            if given["nonce"] == second or (given["nonce"] == first and not self.stale):
                return None
            return self._ask(second, ", stale=true")
        return self._ask(first)

    def _is_right(self, given: dict[str, str], method: str) -> bool:
        """Section 22.4, with and without `qop`: RFC 2617 section 3.2.2 has both."""
        algorithm = given.get("algorithm", Algorithm.MD5)
        if given.get("username") != self.user or algorithm not in self.algorithms:
            return False
        digest: Callable[..., str] = Algorithm(algorithm).digest
        proof = digest(self.user, _REALM, self.password)
        asked = digest(method, given.get("uri", ""))
        middle = [given.get("nonce", "")]
        if "qop" in given:
            middle += [given.get("nc", ""), given.get("cnonce", ""), given["qop"]]
        return hmac.compare_digest(given.get("response", ""), digest(proof, *middle, asked))

    def _ask(self, nonce: str, more: str = "") -> Refusal:
        lines = [
            f'{_HEADERS[self.status]}: Digest realm="{_REALM}", nonce="{nonce}", algorithm={algorithm}, '
            f'qop="auth"{more}\r\n'
            for algorithm in self.algorithms
        ]
        return Refusal(self.status, _REASONS[self.status], "".join(lines))


def _nonce(request: Request, number: int, secret: bytes) -> str:
    said = f"{number}:{request.call_id}".encode("latin-1")
    return hashlib.blake2b(said, digest_size=16, key=secret).hexdigest()


def _parameters(credentials: str) -> dict[str, str]:
    """Those of a Digest header; none of another scheme's."""
    scheme, _, rest = credentials.partition(" ")
    if scheme.lower() != "digest":
        return {}
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    return {"nonce": "", **found}
