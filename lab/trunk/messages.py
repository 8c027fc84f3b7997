"""The SIP messages the trunk sends, with the headers and the header order of livekit-sip."""

import ipaddress
import secrets
import string
import uuid
from collections.abc import Iterable

from aiosipua import SipRequest, SipResponse
from aiosipua.headers import parse_address, parse_cseq, parse_uri, stringify_uri

ALLOW = ("Allow", "INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE")
SDP = ("Content-Type", "application/sdp")

_ALPHANUMERICS = string.ascii_letters + string.digits


def random_id(length: int) -> str:
    """Letters and digits, as in LiveKit's own ids."""
    return "".join(secrets.choice(_ALPHANUMERICS) for _ in range(length))


def tag(value: str | None) -> str:
    """The tag of a From or To header, empty when the header or its tag is missing."""
    return (parse_address(value).tag or "") if value else ""


def user(value: str | None) -> str:
    """The user part of a From or To header, empty when there is none."""
    return (parse_address(value).uri.user or "") if value else ""


def host(value: str | None) -> str:
    """The host part of a From or To header, empty when there is none."""
    return parse_address(value).uri.host if value else ""


def response(
    request: SipRequest,
    status: int,
    reason: str,
    *,
    to_tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> SipResponse:
    """A response to `request` (RFC 3261 8.2.6); without `to_tag` a To that has no tag gets a random one."""
    answer = SipResponse(status_code=status, reason_phrase=reason, body=body)
    for name in ("Record-Route", "Via", "From"):
        for value in request.headers.get(name):
            answer.headers.append(name, value)
    to = request.headers.get_first("To")
    if to is not None:
        answer.headers.append("To", to if tag(to) else f"{to};tag={to_tag or uuid.uuid4()}")
    for name in ("Call-ID", "CSeq"):
        for value in request.headers.get(name):
            answer.headers.append(name, value)
    # Set here for its place among the headers; the library writes the true length over it.
    answer.headers.append("Content-Length", "0")
    for name, value in headers:
        answer.headers.append(name, value)
    return answer


def bye(invite: SipRequest, *, to_tag: str, via: str) -> SipRequest:
    """The BYE by which the called side ends the call that `invite` began (RFC 3261 15.1.1).

    `via` is the protocol and address this side sends from, such as `SIP/2.0/UDP 127.0.0.1:5060`.
    """
    caller = invite.headers.get_first("From") or ""
    called = invite.headers.get_first("To") or ""
    contact = invite.headers.get_first("Contact")
    target = stringify_uri(parse_address(contact or caller).uri)
    number = parse_cseq(invite.headers.get_first("CSeq") or "").seq
    request = SipRequest(method="BYE", uri=target)
    request.headers.append("Via", f"{via};branch=z9hG4bK.{random_id(16)}")
    for route in invite.headers.get("Record-Route"):
        request.headers.append("Route", route)
    request.headers.append("Max-Forwards", "70")
    request.headers.append("Call-ID", invite.headers.get_first("Call-ID") or "")
    request.headers.append("Content-Length", "0")
    request.headers.append("CSeq", f"{number + 1} BYE")
    request.headers.append("From", called if tag(called) else f"{called};tag={to_tag}")
    request.headers.append("To", caller)
    return request


def next_hop(request: SipRequest) -> tuple[str, int] | None:
    """Where a request of this side is sent (RFC 3261 8.1.2): to its first Route, else to its URI.

    None when that names a host, which is not looked up here.
    """
    route = request.headers.get_first("Route")
    uri = parse_address(route).uri if route else parse_uri(request.uri)
    try:
        return str(ipaddress.IPv4Address(uri.host)), uri.port or 5060
    except ValueError:
        return None
