"""What is said to an offer of media."""

import pytest

from sip.offer import answer

SESSION = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"


def lines(offer: str) -> list[str]:
    """The answer's lines that begin with m= or a=."""
    said = answer((SESSION + offer).encode(), "127.0.0.1", 6000, 6001)
    assert said is not None
    return [line for line in said.decode().split("\r\n") if line[:2] in ("m=", "a=")]


@pytest.mark.parametrize(
    ("formats", "maps", "taken"),
    [
        ("0 8", "", "0"),
        ("8 0", "", "8"),
        ("18 8", "", "8"),
        ("96", "a=rtpmap:96 PCMU/8000\r\n", "96"),
        ("9 0 101", "a=rtpmap:101 telephone-event/8000\r\n", "0 101"),
        ("0 96", "a=rtpmap:96 TELEPHONE-EVENT/8000\r\n", "0 96"),
    ],
)
def test_the_first_g711_codec_is_taken_and_digits_with_it(formats: str, maps: str, taken: str) -> None:
    """By its number or its name, under the number that it was offered."""
    said = lines(f"m=audio 4000 RTP/AVP {formats}\r\n{maps}")

    assert said[0] == f"m=audio 6000 RTP/AVP {taken}"
    assert said[-2:] == ["a=rtcp:6001", "a=sendrecv"]


@pytest.mark.parametrize(
    "offer",
    [
        "m=audio 4000 RTP/AVP 18\r\n",
        "m=audio 0 RTP/AVP 0\r\n",
        "m=audio 4000 RTP/SAVP 0\r\n",
        "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        "m=video 4000 RTP/AVP 96\r\n",
        "m=nonsense\r\n",
        "",
    ],
)
def test_an_offer_without_g711_has_no_answer(offer: str) -> None:
    """Nor one that is none."""
    assert answer((SESSION + offer).encode(), "127.0.0.1", 6000, 6001) is None


@pytest.mark.parametrize(
    ("offered", "answered"), [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")]
)
def test_what_one_side_only_sends_the_other_only_receives(offered: str, answered: str) -> None:
    """Said of the stream, or of the whole session (RFC 3264 section 6.1)."""
    stream = "m=audio 4000 RTP/AVP 0\r\n"

    assert lines(f"{stream}a={offered}\r\n")[-1] == f"a={answered}"
    assert lines(f"a={offered}\r\n{stream}")[-1] == f"a={answered}"


def test_every_stream_has_its_answer_and_all_but_one_are_declined() -> None:
    """In their order (RFC 3264 section 6)."""
    offer = "m=video 4002 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4004 RTP/AVP 8\r\n"

    media = [line for line in lines(offer) if line.startswith("m=")]

    assert media == ["m=video 0 RTP/AVP 96", "m=audio 6000 RTP/AVP 0", "m=audio 0 RTP/AVP 8"]


def test_without_an_offer_there_is_one_of_our_own() -> None:
    """RFC 3261 section 13.2.1: then the 200 carries it, and the ACK the answer."""
    said = answer(b"", "127.0.0.1", 6000, 6001)

    assert said is not None
    assert b"m=audio 6000 RTP/AVP 0 8 101\r\n" in said
