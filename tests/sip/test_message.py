"""SIP messages are read as the standard writes them, and whatever else comes does no harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.message import Request, Response, read, response
from tests.sip.caller import OFFER, request

WHOLE = request("INVITE", body=OFFER)


def read_request(packet: bytes, port: int = 5099) -> Request:
    """A request from this machine."""
    found = read(packet, "127.0.0.1", port)
    assert isinstance(found, Request)
    return found


def test_a_request_is_taken_apart() -> None:
    """What a dialog needs of it, and its body."""
    found = read_request(WHOLE)

    assert (found.method, found.cseq, found.call) == ("INVITE", 1, ("call-1", "from1"))
    assert (found.to_tag, found.contact, found.body) == (None, "sip:caller@127.0.0.1:5099", OFFER.encode())
    assert found.refusal is None


def test_compact_folded_and_differently_spelled_headers_are_the_same() -> None:
    """RFC 3261 sections 7.3.1 and 7.3.3."""
    packet = (
        b"\r\nBYE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP 127.0.0.1:5099 ;branch=z9hG4bKx\r\n"
        b"f: <sip:c@d>\r\n ;tag=from\r\nT : <sip:a@b>;TAG=to\r\ni: one\r\ncSEQ: 2 BYE\r\nl: 0\r\n\r\n"
    )

    found = read_request(packet)

    assert (found.from_tag, found.to_tag, found.call_id, found.cseq) == ("from", "to", "one", 2)
    assert found.refusal is None


@pytest.mark.parametrize(
    ("via", "port", "stamped"),
    [
        ("127.0.0.1:5099;branch=z9hG4bKx", 5099, "127.0.0.1:5099;branch=z9hG4bKx"),
        ("host:7;branch=z9hG4bKx", 7, "host:7;branch=z9hG4bKx;received=127.0.0.1"),
        ("127.0.0.1;branch=z9hG4bKx", 5060, "127.0.0.1;branch=z9hG4bKx"),
        (
            "127.0.0.1:7;rport;branch=z9hG4bKx",
            4444,
            "127.0.0.1:7;rport=4444;branch=z9hG4bKx;received=127.0.0.1",
        ),
        (
            "127.0.0.1:7;branch=z9hG4bKx;rport",
            4444,
            "127.0.0.1:7;branch=z9hG4bKx;rport=4444;received=127.0.0.1",
        ),
    ],
)
def test_responses_go_where_the_via_says_or_asks(via: str, port: int, stamped: str) -> None:
    """To the port that sent it where it asks for that (RFC 3581), else to the one it names."""
    packet = WHOLE.replace(b"127.0.0.1:5099;rport;branch=z9hG4bK1-invite", via.encode())

    found = read_request(packet, port=4444)

    assert found.reply_port == port
    assert f"Via: SIP/2.0/UDP {stamped}\r\n" in found.echo


def test_all_vias_are_repeated_in_their_order() -> None:
    """Only the topmost one is stamped, wherever the line breaks are."""
    packet = WHOLE.replace(b"Max-F", b"Via: SIP/2.0/TCP two;branch=2, SIP/2.0/UDP three;rport\r\nMax-F")

    said = response(read_request(packet), 200, "OK", tag="t").decode()

    assert said.index("rport=5099") < said.index("Via: SIP/2.0/TCP two;branch=2, SIP/2.0/UDP three;rport\r\n")


@pytest.mark.parametrize(
    ("old", "new", "status", "reason"),
    [
        (b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia", 505, "Version Not Supported"),
        (b"CSeq: 1 INVITE", b"CSeq: 1 BYE", 400, "Bad CSeq"),
        (b"CSeq: 1 INVITE", b"CSeq: one INVITE", 400, "Bad CSeq"),
        (b"CSeq: 1 INVITE", b"CSeq: 2147483648 INVITE", 400, "Bad CSeq"),
        (b";tag=from1", b"", 400, "From Without Tag"),
        (b"Call-ID: ", b"Call-ID: other\r\nCall-ID: ", 400, "More Than One Call-Id"),
        (b"Content-Length: ", b"Content-Length: 9", 400, "Bad Content-Length"),
        (b"Content-Length: ", b"Content-Length: " + b"9" * 5000, 400, "Bad Content-Length"),
        (b"Content-Length: ", b"Content-Length: -", 400, "Bad Content-Length"),
        (b"Max-Forwards: 70", b"Require: 100rel", 420, "Bad Extension"),
    ],
)
def test_a_request_that_is_wrong_is_refused_with_the_reason(
    old: bytes, new: bytes, status: int, reason: str
) -> None:
    """It could be read well enough to be answered."""
    refusal = read_request(WHOLE.replace(old, new)).refusal

    assert refusal is not None
    assert (refusal.status, refusal.reason) == (status, reason)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\r\n\r\n",
        b"hello\r\n\r\n",
        WHOLE.replace(b"\r\n", b"\n"),
        WHOLE.replace(b"Via: ", b"Vie: "),
        WHOLE.replace(b"Call-ID", b"Call"),
        WHOLE.replace(b"SIP/2.0/UDP 127.0.0.1", b"nonsense"),
        WHOLE.replace(b"127.0.0.1:5099;rport", b"127.0.0.1:99999;rport"),
        WHOLE.replace(b"INVITE sip:", b"INVITE  sip:", 1),
    ],
)
def test_what_cannot_be_answered_is_nothing(packet: bytes) -> None:
    """Nobody would know where to send it, or what it answers."""
    assert read(packet, "127.0.0.1", 5099) is None


def test_a_datagram_may_hold_more_than_its_message() -> None:
    """What is beyond its Content-Length is not read (RFC 3261 section 18.3)."""
    assert read_request(WHOLE + b"junk").body == OFFER.encode()


def test_a_response_is_known_by_its_branch() -> None:
    """It belongs to a request of ours."""
    packet = response(read_request(request("BYE", branch="mine")), 200, "OK", tag=None)

    assert read(packet, "127.0.0.1", 5060) == Response(200, "z9hG4bK1-mine")


def test_without_the_magic_cookie_a_branch_alone_tells_no_transactions_apart() -> None:
    """The call, its number and the whole Via do (RFC 3261 section 17.2.3)."""
    old = WHOLE.replace(b"z9hG4bK", b"")

    assert read_request(old).transaction == read_request(old).transaction
    assert read_request(old).transaction != read_request(old.replace(b"CSeq: 1", b"CSeq: 2")).transaction
    assert read_request(WHOLE).transaction == read_request(WHOLE.replace(b"CSeq: 1", b"CSeq: 2")).transaction


@given(st.binary(max_size=300))
def test_no_bytes_do_harm(packet: bytes) -> None:
    """They are a message or they are none."""
    read(packet, "127.0.0.1", 5099)


@given(st.integers(0, len(WHOLE)), st.binary(max_size=6), st.integers(0, 12))
def test_no_damage_to_a_message_does_harm(at: int, put_in: bytes, cut_out: int) -> None:
    """What can still be read can still be answered."""
    found = read(WHOLE[:at] + put_in + WHOLE[at + cut_out :], "127.0.0.1", 5099)

    if isinstance(found, Request):
        assert response(found, 400, "Bad Request", tag="t").endswith(b"\r\n\r\n")
