"""SIP messages as an answering side reads and writes them (RFC 3261 section 7)."""

import re
from dataclasses import dataclass
from typing import NamedTuple

_VERSION = "SIP/2.0"
_MAGIC_COOKIE = "z9hG4bK"  # RFC 3261 section 8.1.1.7: such a branch is unique, an older one need not be
_DEFAULT_PORT = 5060
_MOST_CSEQ = 2**31
_MOST_DIGITS = 10
_MOST_PORT = 65_535
_NEEDED = ("via", "from", "to", "call-id", "cseq")  # without these nothing can be answered
_SINGLE = ("from", "to", "call-id", "cseq", "content-length")
# Section 7.3.3. The names as nearly everybody writes them come first: no name is lowered twice.
_NAMES = {
    name: full
    for full, spellings in {
        "via": ("Via", "via", "v"),
        "from": ("From", "from", "f"),
        "to": ("To", "to", "t"),
        "call-id": ("Call-ID", "call-id", "i"),
        "cseq": ("CSeq", "cseq"),
        "contact": ("Contact", "contact", "m"),
        "record-route": ("Record-Route", "record-route"),
        "require": ("Require", "require"),
        "authorization": ("Authorization", "authorization"),
        "proxy-authorization": ("Proxy-Authorization", "proxy-authorization"),
        "content-length": ("Content-Length", "content-length", "l"),
    }.items()
    for name in spellings
}
_REQUEST_LINE = re.compile(r"([A-Za-z0-9.!%*_+`'~-]+) (\S+) (SIP/\d+\.\d+)")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: .*)?")
_SENT_BY = re.compile(r"SIP\s*/\s*2\.0\s*/\s*\w+\s+(\[[^\]]*\]|[^\s:;,]+)\s*(?::\s*(\d{1,5}))?")
_BRANCH = re.compile(r";\s*branch\s*=\s*([^\s;,]+)", re.IGNORECASE)
_RPORT = re.compile(r";\s*rport\s*(?==?\s*(?:;|$))=?", re.IGNORECASE)
_TAG = re.compile(r";\s*tag\s*=\s*([^\s;,>]+)", re.IGNORECASE)
_CSEQ = re.compile(r"([0-9]{1,10})\s+(\S+)")
_URI = re.compile(r"(?:[^<]*<)?([^>;,]*)")


class Peer(NamedTuple):
    """Where a message came from or goes to: by UDP, or on a TCP `connection` that is there."""

    host: str
    port: int
    connection: int | None = None


class Packet(NamedTuple):
    """A message to send."""

    data: bytes
    to: Peer


class Refusal(NamedTuple):
    """Why a request is answered by an error whatever it asks for; `header` is a line that goes with it."""

    status: int
    reason: str
    header: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that can be answered.

    `transaction` is what an INVITE shares with its retransmissions, its CANCEL and the ACK of its refusal
    (section 17.2.3); `echo` the lines that every response repeats; `reply_port` where responses over UDP go
    (section 18.2.2, RFC 3581).
    """

    method: str
    transaction: tuple[object, ...]
    echo: str
    from_: str
    from_tag: str
    to: str
    to_tag: str | None
    call_id: str
    cseq: int
    contact: str
    record_routes: tuple[str, ...]
    authorization: tuple[str, ...]
    proxy_authorization: tuple[str, ...]
    body: bytes
    reply_port: int
    refusal: Refusal | None

    @property
    def call(self) -> tuple[str, str]:
        """What all requests of a caller's call have in common."""
        return self.call_id, self.from_tag

    @property
    def record_route_lines(self) -> str:
        """What responses that open a call repeat (section 12.1.1)."""
        return "".join(f"Record-Route: {route}\r\n" for route in self.record_routes)


@dataclass(frozen=True, slots=True)
class Response:
    """A response to a request of ours."""

    status: int
    branch: str


def read(packet: bytes, host: str, port: int) -> Request | Response | None:
    """The message in a packet that came from `host` and `port`, or None for what cannot be answered."""
    head, _, body = packet.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if head.count(b"\n") != head.count(b"\r\n"):
        return None
    text = head.decode("latin-1")
    if "\r\n " in text or "\r\n\t" in text:  # folded lines, section 7.3.1
        text = re.sub(r"\r\n[ \t]+", " ", text)
    start, *lines = text.split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        known = _NAMES.get(name) or _NAMES.get(name.strip().lower())
        if known and colon:
            headers.setdefault(known, []).append(value.strip())
    if not all(name in headers for name in _NEEDED):
        return None
    sent_by = _SENT_BY.match(headers["via"][0])
    if sent_by is None or int(sent_by[2] or 0) > _MOST_PORT:
        return None
    if status := _STATUS_LINE.fullmatch(start):
        branch = _BRANCH.search(headers["via"][0])
        return Response(int(status[1]), branch[1] if branch else "")
    line_ = _REQUEST_LINE.fullmatch(start)
    return _request(line_, headers, sent_by, body, host, port) if line_ else None


def _request(
    start: re.Match[str],
    headers: dict[str, list[str]],
    sent_by: re.Match[str],
    body: bytes,
    host: str,
    port: int,
) -> Request:
    top, comma, others = headers["via"][0].partition(",")
    via = [_stamped(top, sent_by, host, port) + comma + others, *headers["via"][1:]]
    from_, to, call_id, cseq_line = (headers[name][0] for name in _NEEDED[1:])
    cseq = _CSEQ.fullmatch(cseq_line)
    from_tag, to_tag = _tag(from_), _tag(to)
    number = int(cseq[1]) if cseq else 0
    branch = _BRANCH.search(top)
    transaction: tuple[object, ...] = (call_id, from_tag, number, top)
    if branch and branch[1].startswith(_MAGIC_COOKIE):
        transaction = (branch[1], sent_by[1], sent_by[2])
    contact = _URI.match(headers.get("contact", [from_])[0])
    lines = [f"Via: {value}\r\n" for value in via]
    lines.append(f"From: {from_}\r\nCall-ID: {call_id}\r\nCSeq: {cseq_line}\r\n")
    length = headers.get("content-length", [""])[0]
    return Request(
        method=start[1],
        transaction=transaction,
        echo="".join(lines),
        from_=from_,
        from_tag=from_tag or "",
        to=to,
        to_tag=to_tag,
        call_id=call_id,
        cseq=number,
        contact=contact[1] if contact else from_,
        record_routes=tuple(headers.get("record-route", ())),
        authorization=tuple(headers.get("authorization", ())),
        proxy_authorization=tuple(headers.get("proxy-authorization", ())),
        body=body[: int(length)] if length.isdecimal() and len(length) < _MOST_DIGITS else body,
        reply_port=port if _RPORT.search(top) else int(sent_by[2] or _DEFAULT_PORT),
        refusal=_refusal(start, cseq, from_tag, headers, len(body)),
    )


def _refusal(
    start: re.Match[str],
    cseq: re.Match[str] | None,
    from_tag: str | None,
    headers: dict[str, list[str]],
    body_bytes: int,
) -> Refusal | None:
    if start[3] != _VERSION:
        return Refusal(505, "Version Not Supported")
    for name in _SINGLE:
        if len(headers.get(name, ())) > 1:
            return Refusal(400, f"More Than One {name.title()}")
    if cseq is None or int(cseq[1]) >= _MOST_CSEQ or cseq[2] != start[1]:
        return Refusal(400, "Bad CSeq")
    if from_tag is None:
        return Refusal(400, "From Without Tag")
    length = headers.get("content-length", ["0"])[0]
    if not (length.isdecimal() and len(length) < _MOST_DIGITS and int(length) <= body_bytes):
        return Refusal(400, "Bad Content-Length")  # section 18.3
    if "require" in headers and start[1] not in ("ACK", "CANCEL"):  # section 8.2.2.3
        return Refusal(420, "Bad Extension", f"Unsupported: {', '.join(headers['require'])}\r\n")
    return None


def _stamped(via: str, sent_by: re.Match[str], host: str, port: int) -> str:
    """The topmost Via with where it came from (section 18.2.1, RFC 3581 section 4)."""
    stamped, asked = _RPORT.subn(f";rport={port}", via, count=1)
    return f"{stamped};received={host}" if asked or sent_by[1] != host else via


def _tag(value: str) -> str | None:
    found = _TAG.search(value, value.rfind(">") + 1)
    return found[1] if found else None


def response(
    request: Request, status: int, reason: str, *, tag: str | None, headers: str = "", body: bytes = b""
) -> bytes:
    """A response to a request, `tag` going to its To where that has none (section 8.2.6)."""
    to = request.to if tag is None or request.to_tag else f"{request.to};tag={tag}"
    head = (
        f"{_VERSION} {status} {reason}\r\n{request.echo}To: {to}\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("latin-1") + body


def bye(request: Request, *, tag: str, contact: str, via: str, cseq: int) -> bytes:
    """The BYE with which the called side ends the call that `request` opened (section 12.2.1.1)."""
    lines = (
        f"BYE {contact} {_VERSION}",
        f"Via: {via}",
        *(f"Route: {route}" for route in request.record_routes),
        "Max-Forwards: 70",
        f"From: {request.to};tag={tag}",
        f"To: {request.from_}",
        f"Call-ID: {request.call_id}",
        f"CSeq: {cseq} BYE",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
