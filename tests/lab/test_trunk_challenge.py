"""Facts about the digest challenges of the embedded trunk."""

import pytest
from aiosipua import SipDigestAuth, SipRequest
from aiosipua.auth import build_credentials
from aiosipua.headers import parse_auth, stringify_auth

from lab.trunk.challenge import MOST_OPEN, Challenges, Refusal


def _invite(call_id: str = "c1", proof: str = "") -> SipRequest:
    request = SipRequest(method="INVITE", uri="sip:1@h")
    request.headers.set_single("From", "<sip:a@h>;tag=f1")
    request.headers.set_single("Call-ID", call_id)
    if proof:
        request.headers.set_single("Proxy-Authorization", proof)
    return request


def _challenged(challenges: Challenges, call_id: str = "c1") -> str:
    with pytest.raises(Refusal) as refusal:
        challenges.admit(_invite(call_id), "ann", "right", to_tag="SCL_1")
    assert (refusal.value.status, refusal.value.reason) == (407, "Unauthorized")
    return refusal.value.headers[0][1]


def _proof(challenge: str, *, user: str = "ann", password: str = "right", uri: str = "sip:1@h") -> str:  # noqa: S107 - of this test
    made = build_credentials(SipDigestAuth(user, password), parse_auth(challenge), "INVITE", uri)
    assert made is not None
    return stringify_auth(made)


@pytest.mark.parametrize("uri", ["sip:1@h", "sip:elsewhere@x"])
def test_the_right_password_is_admitted_over_any_uri(uri: str) -> None:
    """The response is computed over the uri the client wrote, which need not be the request's."""
    challenges = Challenges()
    proof = _proof(_challenged(challenges), uri=uri)

    challenges.admit(_invite(proof=proof), "ann", "right", to_tag="SCL_1")


@pytest.mark.parametrize("given", [{"user": "eve"}, {"password": "wrong"}])
def test_a_wrong_user_or_password_is_unauthorized(given: dict[str, str]) -> None:
    """401 with no further challenge."""
    challenges = Challenges()
    proof = _proof(_challenged(challenges), **given)

    with pytest.raises(Refusal, match="401 Unauthorized") as refusal:
        challenges.admit(_invite(proof=proof), "ann", "right", to_tag="SCL_1")
    assert refusal.value.headers == ()


def test_only_the_newest_challenge_of_a_call_counts() -> None:
    """An answer to an older one is unauthorized."""
    challenges = Challenges()
    older = _challenged(challenges)
    _challenged(challenges)

    with pytest.raises(Refusal, match="401 Unauthorized"):
        challenges.admit(_invite(proof=_proof(older)), "ann", "right", to_tag="SCL_1")


@pytest.mark.parametrize("proof", ["Digest", "nonsense", 'Digest username="ann"'])
def test_credentials_that_cannot_be_read_are_bad(proof: str) -> None:
    """401 Bad credentials."""
    challenges = Challenges()
    _challenged(challenges)

    with pytest.raises(Refusal, match="401 Bad credentials"):
        challenges.admit(_invite(proof=proof), "ann", "right", to_tag="SCL_1")


def test_a_proof_for_a_call_that_was_not_challenged_is_bad() -> None:
    """A nonce belongs to one Call-ID."""
    challenges = Challenges()
    proof = _proof(_challenged(challenges, "c1"))

    with pytest.raises(Refusal, match="401 Bad credentials"):
        challenges.admit(_invite("c2", proof), "ann", "right", to_tag="SCL_1")


def test_a_challenged_call_keeps_its_tag() -> None:
    """The To tag of the 407 is found again by Call-ID and From tag, and by both only."""
    challenges = Challenges()
    _challenged(challenges)
    other = _invite()
    other.headers.set_single("From", "<sip:a@h>;tag=f2")

    assert challenges.tag_of(_invite()) == "SCL_1"
    assert challenges.tag_of(other) is None
    assert challenges.tag_of(_invite("c2")) is None


def test_open_challenges_push_the_oldest_out() -> None:
    """The answer to the first of one too many is no longer recognised."""
    challenges = Challenges()
    for number in range(MOST_OPEN + 1):
        _challenged(challenges, f"c{number}")

    assert challenges.tag_of(_invite("c0")) is None
    assert challenges.tag_of(_invite("c1")) == "SCL_1"
