"""Where the far end's voice is, by what it says, and where ours is, by what we say."""

import pytest

from sip import offer, sdp

ANSWER = """v=0
o=- 1 1 IN IP4 203.0.113.5
s=-
c=IN IP4 203.0.113.5
t=0 0
m=audio 4000 RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=ptime:20
a=sendrecv
""".replace("\n", "\r\n")


def test_an_answer_says_where_the_voice_goes_and_how() -> None:
    """RTCP is one port on where nothing else is said (RFC 3550 section 11)."""
    assert sdp.read(ANSWER) == sdp.FarMedia("203.0.113.5", 4000, 4001, 0, 101, hears=True, speaks=True)


def test_a_description_is_found_in_the_message_that_brings_it() -> None:
    """Its headers are no lines of it."""
    message = "SIP/2.0 200 OK\r\nm: <sip:far@203.0.113.9>\r\nc: application/sdp\r\n\r\n" + ANSWER

    assert sdp.read(message) == sdp.read(ANSWER)


@pytest.mark.parametrize(
    ("was", "becomes", "field", "value"),
    [
        ("a=ptime:20\r\n", "a=rtcp:4011 IN IP4 203.0.113.5\r\n", "rtcp_port", 4011),
        ("RTP/AVP 0 101", "RTP/AVP 101 8 0", "payload_type", 8),
        ("RTP/AVP 0 101", "RTP/AVP 0", "digits_payload_type", None),
        ("telephone-event", "TELEPHONE-EVENT", "digits_payload_type", 101),
        ("a=ptime:20\r\n", "c=IN IP4 203.0.113.6/127\r\n", "host", "203.0.113.6"),
        ("t=0 0\r\n", "t=0 0\r\nm=video 0 RTP/AVP 31\r\nc=IN IP4 0.0.0.0\r\n", "host", "203.0.113.5"),
    ],
)
def test_each_line_that_tells_of_the_voice_is_heeded(
    was: str, becomes: str, field: str, value: object
) -> None:
    """A stream's own lines go before the session's; of its codecs the first G.711 one counts."""
    assert getattr(sdp.read(ANSWER.replace(was, becomes)), field) == value


@pytest.mark.parametrize(
    ("line", "hears", "speaks"),
    [
        ("a=sendrecv", True, True),
        ("a=sendonly", False, True),
        ("a=recvonly", True, False),
        ("a=inactive", False, False),
        ("", True, True),
        ("c=IN IP4 0.0.0.0", False, True),  # on hold by RFC 2543
    ],
)
def test_who_may_speak_is_the_far_end_s_to_say(line: str, hears: bool, speaks: bool) -> None:
    """What it only sends we only receive (RFC 3264 section 6.1)."""
    far = sdp.read(ANSWER.replace("a=sendrecv", line))

    assert far is not None
    assert (far.hears, far.speaks) == (hears, speaks)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "SIP/2.0 180 Ringing\r\n\r\n",
        ANSWER.replace("m=audio 4000", "m=audio 0"),
        ANSWER.replace("m=audio", "m=video"),
        ANSWER.replace("RTP/AVP 0 101", "RTP/AVP 9 101"),
        ANSWER.replace("c=IN IP4 203.0.113.5", "c=IN IP6 ::1"),
    ],
)
def test_what_tells_of_no_voice_that_could_be_carried_is_nothing(said: str) -> None:
    """Declined, no audio, no G.711, no address of ours."""
    assert sdp.read(said) is None


def test_our_own_description_names_the_ports_that_another_process_has() -> None:
    """Of the streams that are taken; the address is the line's own, and stays."""
    own = ANSWER.replace("a=ptime:20", "a=rtcp:9 IN IP4 203.0.113.5").replace("4000", "9")
    own += "m=audio 0 RTP/AVP 0\r\n"

    said = sdp.announce(own, 4440, 4441)

    assert "m=audio 4440 RTP/AVP 0 101\r\n" in said
    assert "a=rtcp:4441 IN IP4 203.0.113.5\r\n" in said
    assert said.endswith("m=audio 0 RTP/AVP 0\r\n")


def test_what_our_answering_side_answers_is_understood() -> None:
    """Both ends of a loopback call read the same lines."""
    answer = offer.answer(ANSWER.encode(), "127.0.0.1", 5004, 5005)

    assert answer is not None
    assert sdp.read(answer.decode()) == sdp.FarMedia("127.0.0.1", 5004, 5005, 0, 101, hears=True, speaks=True)
