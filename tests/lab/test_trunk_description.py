"""Facts about the session descriptions of the media path."""

import pytest

from lab.trunk.webrtc.description import Offer, read_answer, read_candidate

ANSWER = (
    "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AB:CD\r\na=group:BUNDLE 0 1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=setup:active\r\na=mid:0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n"
    "a=recvonly\r\na=candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host\r\n"
    "a=candidate:1 2 udp 2130706431 127.0.0.1 7882 typ host\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=setup:active\r\na=mid:1\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n"
    "a=sendonly\r\na=ssrc:77 cname:x\r\na=ssrc:77 msid:x y\r\n"
)


def _offer(sections: int) -> str:
    return str(
        Offer(
            user="u",
            password="p",  # noqa: S106 - of this test
            fingerprint="sha-256 AB",
            port=4000,
            stream="camera",
            track="t1",
            ssrc=5,
            sections=sections,
            version=3,
        )
    )


def test_the_caller_speaks_in_the_first_section_and_listens_in_all() -> None:
    """Bundled on one candidate; the track is named in the first alone."""
    head, first, second = _offer(2).split("m=audio ")

    assert "a=group:BUNDLE 0 1\r\n" in head
    assert "a=sendrecv\r\n" in first
    assert "a=msid:camera t1\r\n" in first
    assert "a=recvonly\r\n" in second
    assert "msid" not in second
    assert first.count("a=candidate:") == 1


def test_nothing_but_opus_is_offered() -> None:
    """No RED, so that the server sends plain Opus; no data channel, so that it waits for none."""
    offer = _offer(1)

    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" in offer
    assert "red" not in offer
    assert "m=application" not in offer


def test_an_answer_tells_how_the_server_is_reached_and_who_is_heard_where() -> None:
    """Sources by their mid; candidates of RTCP are none here."""
    answer = read_answer(ANSWER)

    assert (answer.user, answer.password, answer.fingerprint) == ("u", "p", "sha-256 AB:CD")
    assert answer.server_is_active
    assert answer.candidates == (("127.0.0.1", 7882),)
    assert answer.sources == {77: "1"}


def test_an_answer_without_credentials_is_no_answer() -> None:
    """What is missing is named."""
    with pytest.raises(ValueError, match="has no ice-pwd"):
        read_answer(ANSWER.replace("a=ice-pwd:p\r\n", ""))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host", ("127.0.0.1", 7882)),
        ("candidate:1 1 UDP 2130706431 10.0.0.1 7882 typ srflx raddr 0.0.0.0 rport 0", ("10.0.0.1", 7882)),
        ("candidate:1 1 tcp 2130706431 127.0.0.1 7881 typ host tcptype passive", None),
        ("candidate:1 1 udp 2130706431 ::1 7882 typ host", None),
        ("candidate:1 1 udp 2130706431 127.0.0.1 many typ host", None),
        ("", None),
    ],
)
def test_a_candidate_is_udp_over_ipv4_or_none(text: str, where: tuple[str, int] | None) -> None:
    """Everything is on this machine."""
    assert read_candidate(text) == where
