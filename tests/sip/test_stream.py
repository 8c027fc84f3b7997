"""Messages in a stream end where their Content-Length says, however the stream is cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.stream import FramingError, MessageStream
from tests.sip.caller import OFFER, request

MESSAGES = [
    request("INVITE", body=OFFER),
    request("ACK"),
    request("OPTIONS").replace(b"Content-Length", b"l"),
]


@given(st.lists(st.integers(0, sum(map(len, MESSAGES))), max_size=12))
def test_messages_come_whole_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    """With a keep-alive between two of them."""
    whole = MESSAGES[0] + MESSAGES[1] + b"\r\n\r\n" + MESSAGES[2]
    edges = [0, *sorted(cuts), len(whole)]
    stream = MessageStream()

    came = [one for low, high in itertools.pairwise(edges) for one in stream.feed(whole[low:high])]

    assert came == MESSAGES


@pytest.mark.parametrize(
    ("chunk", "sentence"),
    [
        (MESSAGES[1].replace(b"Content-Length", b"Length"), "no Content-Length"),
        (MESSAGES[1].replace(b"Content-Length: 0", b"Content-Length: none"), "no Content-Length"),
        (MESSAGES[1].replace(b"Content-Length: 0", b"Content-Length: 65535"), "more than 65535 bytes"),
        (b"x" * 70_000, "no end of its headers"),
    ],
)
def test_a_stream_that_has_lost_its_frame_is_an_error(chunk: bytes, sentence: str) -> None:
    """Nobody could say where the next message begins."""
    with pytest.raises(FramingError, match=sentence):
        list(MessageStream().feed(chunk))
