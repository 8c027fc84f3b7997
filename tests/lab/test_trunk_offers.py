"""Facts about offers on the wire: what the embedded trunk answers to each, as livekit-sip does."""

import base64
import socket
import struct
import uuid
from collections.abc import Callable

import pytest
from livekit import api

from lab.trunk.srtp import SUITE, Srtp
from tests.lab.callers import Caller
from tests.lab.room_side import RoomSide

pytestmark = pytest.mark.system

Call = Callable[..., Caller]
Change = Callable[[str], str]

_CRYPTO = f"a=crypto:1 {SUITE} inline:{base64.b64encode(bytes(range(30))).decode()}"


def _as_it_is(offer: str) -> str:
    return offer


def _replaced(old: str, new: str) -> Change:
    return lambda offer: offer.replace(old, new)


def _with(*lines: str) -> Change:
    return lambda offer: offer + "".join(f"{line}\r\n" for line in lines)


def _event(number: int) -> tuple[str, Change, tuple[str, ...]]:
    named = f"a=rtpmap:{number} telephone-event/8000"
    return f"0 {number}", _with(named), (f"0 {number}", PCMU[1], named, f"a=fmtp:{number} 0-16")


PCMU = ("0", "a=rtpmap:0 PCMU/8000")
TAKEN = {
    "PCMA alone": ("8", _as_it_is, ("8", "a=rtpmap:8 PCMA/8000")),
    "PCMU under a dynamic number": ("96", _with("a=rtpmap:96 PCMU/8000"), ("96", "a=rtpmap:96 PCMU/8000")),
    "PCMA before PCMU": ("8 0", _as_it_is, PCMU),
    "G.722 before PCMU": ("9 0", _as_it_is, PCMU),
    "telephone-event as 101": _event(101),
    "telephone-event as 96": _event(96),
    "sendonly": ("0", _with("a=sendonly"), PCMU),
    "recvonly": ("0", _with("a=recvonly"), PCMU),
    "inactive": ("0", _with("a=inactive"), PCMU),
    "held by 0.0.0.0": ("0", _replaced("IP4 127.0.0.1\r\nt=", "IP4 0.0.0.0\r\nt="), PCMU),
    "ptime 30": ("0", _with("a=ptime:30"), PCMU),
    "rtcp-mux": ("0", _with("a=rtcp-mux"), PCMU),
    "RTP/AVPF": ("0", _replaced("RTP/AVP", "RTP/AVPF"), PCMU),
    "lines that end in LF": ("0", _replaced("\r\n", "\n"), PCMU),
    "no c= line": ("0", _replaced("c=IN IP4 127.0.0.1\r\n", ""), PCMU),
    "RTP/SAVP with a key": ("0", lambda offer: _with(_CRYPTO)(offer.replace("RTP/AVP", "RTP/SAVP")), PCMU),
    "RTP/AVP with a key": ("0", _with(_CRYPTO), PCMU),
    "RTP/SAVP without a key": ("0", _replaced("RTP/AVP", "RTP/SAVP"), PCMU),
    "audio and video": ("0", _with("m=video 4002 RTP/AVP 99", "a=rtpmap:99 VP8/90000"), PCMU),
    "two audio streams": ("0", _with("m=audio 4002 RTP/AVP 8"), PCMU),
}  # fmt: skip
REFUSED = {
    "G.729 alone": _replaced("RTP/AVP 0 8", "RTP/AVP 18"),
    "Opus alone": _replaced("RTP/AVP 0 8\r\n", "RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n"),
    "telephone-event alone": _replaced(
        "RTP/AVP 0 8\r\n", "RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    ),
    "port 0": lambda offer: offer.replace(offer.partition("m=audio ")[2].split()[0], "0"),
    "no stream": lambda offer: offer.partition("m=")[0],
    "no SDP": lambda _: "garbage",
    "no body": lambda _: "",
    "a host name in c=": _replaced("c=IN IP4 127.0.0.1", "c=IN IP4 host.example"),
}  # fmt: skip


@pytest.mark.parametrize("offer", TAKEN)
def test_an_offer_with_a_codec_of_ours_is_taken(manned: str, call: Call, offer: str) -> None:
    """One codec, sendrecv, 20 ms, plain RTP, the first audio stream alone, whatever else was offered."""
    formats, change, (numbers, *attributes) = TAKEN[offer]
    caller = call(manned)
    caller.invite(offer=change(caller.offer(formats)))

    ok = caller.answered()

    assert ok.body.split("\r\n")[5:] == [
        f"m=audio {caller.media[1]} RTP/AVP {numbers}",
        *attributes,
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


@pytest.mark.parametrize("offer", REFUSED)
def test_an_offer_with_nothing_to_take_is_400_without_a_reason(manned: str, call: Call, offer: str) -> None:
    """After 100 and 180; the same call again gets the same 400 with neither, whatever it offers then."""
    caller = call(manned)
    caller.invite(offer=REFUSED[offer](caller.offer()))

    heard = [caller.receive() for _ in range(3)]

    assert [message.status for message in heard] == [100, 180, 400]
    assert heard[-1].start == "SIP/2.0 400 "
    assert heard[-1].names == ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length", "Allow", "Contact"]
    caller.invite(cseq=2, to_tag="")
    assert caller.receive().status == 400


@pytest.mark.parametrize("kind", ["text/plain", None])
def test_a_body_is_read_whatever_it_is_said_to_be(manned: str, call: Call, kind: str | None) -> None:
    """Content-Type may be wrong or missing."""
    caller = call(manned)
    extra = () if kind is None else (f"Content-Type: {kind}",)
    caller.send(caller.request("INVITE", *extra, body=caller.offer()))

    assert "m=audio" in caller.answered().body


def test_rtp_goes_to_an_ipv6_address(manned: str, call: Call) -> None:
    """The answer itself stays at IPv4."""
    caller = call(manned)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::1", 0))
        other.settimeout(5)
        offer = caller.offer().replace("c=IN IP4 127.0.0.1", "c=IN IP6 ::1")
        port = caller.rtp.getsockname()[1]
        caller.invite(offer=offer.replace(f"m=audio {port}", f"m=audio {other.getsockname()[1]}"))

        assert "c=IN IP4 127.0.0.1" in caller.answered().body
        assert len(other.recv(2048)) == 172


def _encrypting(rooms: RoomSide, setting: str) -> str:
    """A manned number of a trunk with this media_encryption."""
    room = f"encrypting-{uuid.uuid4().hex[:8]}"
    rooms.speak_in(room)
    wanted = api.SIPMediaEncryption.Value(f"SIP_MEDIA_ENCRYPT_{setting}")
    return rooms.number(room=room, trunk={"media_encryption": wanted})


@pytest.mark.parametrize("setting", ["ALLOW", "REQUIRE"])
def test_a_trunk_that_encrypts_answers_an_encrypted_offer_with_its_own_key(
    rooms: RoomSide, call: Call, setting: str
) -> None:
    """RTP/SAVP with one crypto attribute, and RTP that its key decrypts."""
    caller = call(_encrypting(rooms, setting))
    caller.invite(offer=caller.offer("0", _CRYPTO, proto="RTP/SAVP"))

    body = caller.answered().body

    assert f"m=audio {caller.media[1]} RTP/SAVP 0\r\n" in body
    crypto = next(line for line in body.split("\r\n") if line.startswith(f"a=crypto:1 {SUITE} inline:"))
    theirs = base64.b64decode(crypto.partition("inline:")[2])
    packet = Srtp.agree(ours=bytes(range(30)), theirs=theirs).inward.unprotect(caller.hear())
    assert struct.unpack("!BBHI", packet[:8]) == (0x80, 0, 0, 0)
    assert len(packet) == 172


@pytest.mark.parametrize(("setting", "status"), [("ALLOW", 200), ("REQUIRE", 400)])
def test_a_plain_offer_is_refused_only_where_encryption_is_required(
    rooms: RoomSide, call: Call, setting: str, status: int
) -> None:
    """ALLOW answers it with plain RTP."""
    caller = call(_encrypting(rooms, setting))
    caller.invite()

    assert ("RTP/AVP 0\r\n" in caller.until(status).body) is (status == 200)
