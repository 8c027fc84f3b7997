"""Facts about requests inside and outside a call, odd ones included: answered as livekit-sip does."""

import re
from collections.abc import Callable

import pytest

from tests.lab.callers import Caller
from tests.lab.room_side import RoomSide

pytestmark = pytest.mark.system

Call = Callable[..., Caller]
Change = Callable[[bytes], bytes]

NOT_ALLOWED = (
    "INFO", "UPDATE", "PRACK", "MESSAGE", "SUBSCRIBE", "REFER", "REGISTER", "PUBLISH", "FOO",
)  # fmt: skip
REOFFERED = {
    "the same": lambda offer: offer,
    "sendonly": lambda offer: offer + "a=sendonly\r\n",
    "inactive": lambda offer: offer + "a=inactive\r\n",
    "held by 0.0.0.0": lambda offer: offer.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
    "no SDP": lambda _: "",
    "G.729": lambda offer: offer.replace("RTP/AVP 0 8", "RTP/AVP 18"),
    "garbage": lambda _: "garbage",
    "PCMA": lambda offer: offer.replace("RTP/AVP 0 8", "RTP/AVP 8"),
}


def _without(header: bytes) -> Change:
    return lambda data: b"\r\n".join(
        line for line in data.split(b"\r\n") if not line.startswith(header + b":")
    )


def _replaced(old: bytes, new: bytes) -> Change:
    return lambda data: data.replace(old, new, 1)


def _more(count: int, length: int) -> Change:
    lines = b"".join(b"X-Filler-%d: %s\r\n" % (index, b"x" * length) for index in range(count))
    return _replaced(b"Contact:", lines + b"Contact:")


def _compact(name: re.Match[bytes]) -> bytes:
    return {b"Call-ID": b"i", b"Contact": b"m", b"Content-Length": b"l"}.get(
        name[1], name[1][:1].lower()
    ) + b":"


RINGING_ALL_THE_SAME = {
    "Max-Forwards 0": _replaced(b"Max-Forwards: 70", b"Max-Forwards: 0"),
    "no Max-Forwards": _without(b"Max-Forwards"),
    "Require 100rel": _replaced(b"Contact:", b"Require: 100rel\r\nContact:"),
    "Require foo": _replaced(b"Contact:", b"Require: foo\r\nContact:"),
    "Session-Expires": _replaced(b"Contact:", b"Session-Expires: 90\r\nContact:"),
    "no Contact": _without(b"Contact"),
    "no Content-Length": _without(b"Content-Length"),
    "a wrong Content-Length": _replaced(b"Content-Length: ", b"Content-Length: 9"),
    "SIP/3.0": _replaced(b"@127.0.0.1 SIP/2.0", b"@127.0.0.1 SIP/3.0"),
    "CSeq of a BYE": _replaced(b"1 INVITE", b"1 BYE"),
    "no branch": lambda data: re.sub(rb";branch=\w+", b"", data),
    "compact headers": lambda data: re.sub(
        rb"(?m)^(Via|From|To|Call-ID|Contact|Content-Length):", _compact, data
    ),
    "8 kB of headers": _more(8, 1000),
    "30 kB of headers": _more(30, 1000),
    "60 kB of headers": _more(60, 1000),
    "200 more headers": _more(200, 1),
}  # fmt: skip
NOT_ANSWERED = {
    "no CSeq": _without(b"CSeq"),
    "no Via": _without(b"Via"),
    "lines that end in LF": lambda data: data.replace(b"\r\n", b"\n"),
    "garbage": lambda _: b"\x00\xff" * 40,
    "empty lines": lambda _: b"\r\n\r\n",
    "a response nobody waits for": lambda data: data.replace(data.partition(b"\r\n")[0], b"SIP/2.0 200 OK"),
    "an ACK of no call": lambda data: data.replace(b"INVITE", b"ACK"),
}


def _talking(manned: str, call: Call) -> tuple[Caller, str]:
    """An answered call and the SDP of its answer."""
    caller = call(manned)
    caller.invite()
    return caller, caller.answered().body


@pytest.mark.parametrize("offer", REOFFERED)
def test_a_reinvite_gets_the_first_answer_again(manned: str, call: Call, offer: str) -> None:
    """Codec and direction never change, there is no 100, and a repetition is answered again."""
    caller, first = _talking(manned, call)
    again = caller.request(
        "INVITE", "Content-Type: application/sdp", body=REOFFERED[offer](caller.offer()), cseq=2
    )

    for _ in range(2):
        caller.send(again)
        ok = caller.receive()
        assert (ok.start, ok.body) == ("SIP/2.0 200 OK", first)
    assert ok.names == [
        *("Via", "From", "To", "Call-ID", "CSeq", "Content-Length", "Content-Type", "Allow", "Contact")
    ]
    assert len(caller.hear()) == 172


def test_an_invite_of_an_unknown_dialog_is_a_new_call_that_keeps_its_tag(manned: str, call: Call) -> None:
    """There is no 481 for an INVITE."""
    caller = call(manned)
    caller.invite(to_tag="SCL_ofsomebodyels")

    heard = [caller.receive() for _ in range(3)]

    assert [message.status for message in heard] == [100, 180, 200]
    assert all(message["To"].endswith(";tag=SCL_ofsomebodyels") for message in heard)


def test_an_invite_in_a_new_transaction_while_ringing_is_a_second_call(rooms: RoomSide, call: Call) -> None:
    """With a To tag of its own; no 482."""
    caller = call(rooms.number())
    caller.invite()
    first = caller.until(180)["To"]
    caller.invite(to_tag="")

    assert caller.until(100)["To"] != first
    caller.send(caller.request("CANCEL"))


@pytest.mark.parametrize("method", NOT_ALLOWED)
@pytest.mark.parametrize("inside", [True, False], ids=["in a call", "out of any"])
def test_a_method_the_trunk_has_no_use_for_is_405(manned: str, call: Call, method: str, inside: bool) -> None:
    """Even one that its Allow header names, and with no Allow in the answer."""
    caller = _talking(manned, call)[0] if inside else call("anybody")
    caller.send(caller.request(method, cseq=2))

    refused = caller.receive()

    assert refused.start == "SIP/2.0 405 Method Not Allowed"
    assert refused.names == ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length"]


@pytest.mark.parametrize("inside", [True, False], ids=["in a call", "out of any"])
def test_options_is_answered_whoever_is_asked_for(manned: str, call: Call, inside: bool) -> None:
    """200 with nothing about what the trunk can do, even where it was to be forwarded no more."""
    caller = _talking(manned, call)[0] if inside else call("anybody")
    caller.send(caller.request("OPTIONS", cseq=2).replace(b"Max-Forwards: 70", b"Max-Forwards: 0"))

    ok = caller.receive()

    assert ok.start == "SIP/2.0 200 OK"
    assert ok.names == ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length"]


def test_a_notify_in_a_call_is_of_an_unknown_event(manned: str, call: Call) -> None:
    """501, and the call goes on."""
    caller, _ = _talking(manned, call)
    caller.send(caller.request("NOTIFY", "Event: x", cseq=2))

    assert caller.receive().start == "SIP/2.0 501 unknown event"
    assert caller.hang_up().start == "SIP/2.0 200 OK"


@pytest.mark.parametrize("oddity", RINGING_ALL_THE_SAME)
def test_an_odd_invite_is_a_call_all_the_same(rooms: RoomSide, call: Call, oddity: str) -> None:
    """100 and 180, no 420, 483 or 400."""
    caller = call(rooms.number(rule=False))  # rings once and is left alone
    invite = caller.request("INVITE", "Content-Type: application/sdp", body=caller.offer())
    caller.send(RINGING_ALL_THE_SAME[oddity](invite))

    assert [caller.receive().status, caller.receive().status] == [100, 180]


@pytest.mark.parametrize("oddity", NOT_ANSWERED)
def test_what_cannot_be_answered_is_not(rooms: RoomSide, call: Call, oddity: str) -> None:
    """And the next request is answered as if nothing had been."""
    caller = call(rooms.number(rule=False))
    invite = caller.request("INVITE", "Content-Type: application/sdp", body=caller.offer())
    caller.send(NOT_ANSWERED[oddity](invite))
    caller.send(caller.request("OPTIONS", cseq=7))

    assert caller.receive()["CSeq"] == "7 OPTIONS"
