"""Facts about offers and the answers livekit-sip gives to them."""

import pytest

from lab.trunk.offer import Codec, UnacceptableOfferError, read_offer, rtp_target

SESSION = "v=0\r\no=- 41 9 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n"


def test_the_answer_has_the_session_of_the_offer_and_its_version_plus_two() -> None:
    """livekit-sip ignores the offer's version and counts from its session id."""
    answer = read_offer(SESSION + "m=audio 4000 RTP/AVP 0\r\n").answer("127.0.0.1", 10002)

    assert b"o=- 41 43 IN IP4 127.0.0.1\r\n" in answer
    assert b"m=audio 10002 RTP/AVP 0\r\n" in answer
    assert answer.endswith(b"a=ptime:20\r\na=sendrecv\r\n")


@pytest.mark.parametrize(
    ("media", "codec", "payload_type"),
    [
        ("m=audio 4000 RTP/AVP 8\r\n", Codec.PCMA, 8),
        ("m=audio 4000 RTP/AVP 8 0\r\n", Codec.PCMU, 0),
        ("m=audio 4000 RTP/AVP 9 0\r\n", Codec.PCMU, 0),
        ("m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 PCMU/8000\r\n", Codec.PCMU, 96),
        ("m=audio 4000 RTP/SAVP 0\r\na=crypto:1 X inline:x\r\n", Codec.PCMU, 0),
        ("m=audio 4000 RTP/AVPF 0\r\na=inactive\r\na=ptime:30\r\na=rtcp-mux\r\n", Codec.PCMU, 0),
        ("m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 99\r\n", Codec.PCMU, 0),
    ],
)
def test_one_codec_is_chosen_by_the_trunks_preference(media: str, codec: Codec, payload_type: int) -> None:
    """PCMU before PCMA, under the number the caller gave it, whatever else the offer wishes for."""
    offer = read_offer(SESSION + media)

    assert (offer.codec, offer.payload_type, offer.address, offer.port) == (
        codec,
        payload_type,
        "10.0.0.2",
        4000,
    )


def test_telephone_event_is_answered_under_its_own_number() -> None:
    """With events 0-16, before ptime."""
    offer = read_offer(SESSION + "m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n")

    assert offer.answer("127.0.0.1", 10002).decode().split("\r\n")[5:9] == [
        "m=audio 10002 RTP/AVP 0 96",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:96 telephone-event/8000",
        "a=fmtp:96 0-16",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "garbage",
        SESSION,
        SESSION + "m=audio 0 RTP/AVP 0\r\n",
        SESSION + "m=audio 70000 RTP/AVP 0\r\n",
        SESSION + "m=audio 4000 RTP/AVP 18\r\n",
        SESSION + "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        SESSION + "m=audio 4000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n",
        SESSION.replace("10.0.0.2", "host.example") + "m=audio 4000 RTP/AVP 0\r\n",
        SESSION + "m=audio many RTP/AVP 0\r\n",
        SESSION.replace("o=- 41", "o=- x") + "m=audio 4000 RTP/AVP 0\r\n",
    ],
)
def test_an_offer_with_nothing_to_take_part_in_is_refused(body: str) -> None:
    """No codec in common, no stream, no address, or no SDP at all."""
    with pytest.raises(UnacceptableOfferError):
        read_offer(body)


def test_an_offer_without_an_address_leaves_the_choice_to_the_call() -> None:
    """livekit-sip answers it all the same."""
    assert read_offer("v=0\r\no=- 1 1 IN IP4 x\r\nm=audio 4000 RTP/AVP 0\r\n").address is None


@pytest.mark.parametrize(
    ("body", "target"),
    [
        (SESSION + "m=audio 4000 RTP/AVP 18\r\n", ("10.0.0.2", 4000)),
        (SESSION + "m=audio 0 RTP/AVP 0\r\n", None),
        ("garbage", None),
        (SESSION.replace("10.0.0.2", "host.example") + "m=audio 4000 RTP/AVP 0\r\n", None),
    ],
)
def test_a_reinvite_only_moves_the_rtp(body: str, target: tuple[str, int] | None) -> None:
    """Its codecs do not matter; where it names no usable address the RTP stays where it was."""
    assert rtp_target(body) == target
