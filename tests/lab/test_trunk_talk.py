"""Facts about how long an answered call goes on without the caller's RTP."""

import pytest

from lab.trunk.talk import media_deadline_s


@pytest.mark.parametrize(
    ("last_packet_s", "acknowledged", "deadline_s"),
    [(None, False, 107.755), (None, True, 130.0), (120.0, True, 135.0), (120.0, False, 135.0)],
)
def test_a_silent_caller_is_hung_up_on_when_livekit_sip_would(
    last_packet_s: float | None,
    acknowledged: bool,
    deadline_s: float,
) -> None:
    """30 s after the 200, 15 s after the last packet, and sooner when there was not even an ACK."""
    assert media_deadline_s(100.0, last_packet_s, acknowledged=acknowledged) == deadline_s
