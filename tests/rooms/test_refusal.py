"""Facts about the sentences on what a deployment refuses."""

import pytest
from livekit import api

from rooms.refusal import sentence

URL = "wss://example.livekit.cloud"


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (
            400,
            'Conflicting inbound SIP Trunks: "<new>" and "ST_1"',
            "another trunk at .* give others with --num",
        ),
        (500, "sip not connected (redis required)", "has no SIP: a livekit-server of one's own needs redis"),
        (401, "", "does not accept the credentials: .* and that this host's clock is right"),
        (403, "not on this plan", r"does not permit it: .* \(not on this plan\)"),
        (404, "page not found", "is no LiveKit server"),
        (429, "slow down", "has had too many requests: wait"),
        (503, "no response from servers", "refused with HTTP 503: no response from servers"),
    ],
)
def test_each_refusal_has_its_remedy(status: int, message: str, said: str) -> None:
    """The sentence names the deployment and keeps what it said."""
    error = api.ServerError("code", message, status=status)

    with pytest.raises(ValueError, match=said):
        raise ValueError(sentence(error, URL))
    assert URL in sentence(error, URL)
    assert message in sentence(error, URL)


def test_a_deployment_that_does_not_answer_is_named() -> None:
    """Its silence is no refusal."""
    assert sentence(TimeoutError(), URL).startswith(f"{URL} does not answer")
