"""Digest credentials as a called side asks for them and checks them."""

import re

import pytest

from sip.challenge import Algorithm, Challenge
from sip.manner import Manner
from tests.sip.caller import OFFER, Exchange, header, request, status

PASSWORD = "Circle of Life"  # noqa: S105 - of RFC 7616 section 3.9.1
BOTH = Challenge(status=407, user="Mufasa", password=PASSWORD)


def asked(exchange: Exchange, more: str = "", cseq: int = 1) -> tuple[int, list[str]]:
    """Status and challenges after an INVITE with these header lines."""
    *_, last = exchange.send(request("INVITE", cseq=cseq, branch=f"b{cseq}", body=OFFER, more=more))
    return status(last), header(last, "WWW-Authenticate") + header(last, "Proxy-Authenticate")


def proof(
    challenge: str, password: str = PASSWORD, *, name: str = "Proxy-Authorization", qop: bool = True
) -> str:
    """A header that answers a challenge, the digest made as RFC 7616 section 3.4.1 says."""
    said = dict(re.findall(r'(\w+)="?([^",]+)', challenge.removeprefix("Digest ")))
    digest = Algorithm(said["algorithm"]).digest
    counted = ("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth") if qop else ()
    response = digest(
        digest("Mufasa", said["realm"], password),
        said["nonce"],
        *counted,
        digest("INVITE", "sip:100@127.0.0.1:5060"),
    )
    more = ', qop={2}, nc={0}, cnonce="{1}"'.format(*counted) if qop else ""
    return (
        f'{name}: Digest username="Mufasa", realm="{said["realm"]}", nonce="{said["nonce"]}", '
        f'uri="sip:100@127.0.0.1:5060", response="{response}", algorithm={said["algorithm"]}{more}\r\n'
    )


def test_a_digest_is_that_of_the_standard_s_own_example() -> None:
    """RFC 7616 section 3.9.1, both algorithms."""
    nonce, cnonce = (
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )

    def response(digest: Algorithm) -> str:
        who, what = (
            digest.digest("Mufasa", "http-auth@example.org", PASSWORD),
            digest.digest("GET", "/dir/index.html"),
        )
        return digest.digest(who, nonce, "00000001", cnonce, "auth", what)

    assert response(Algorithm.MD5) == "8ca523f5e9506fed4657c9700eebdbec"
    assert response(Algorithm.SHA_256) == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"


@pytest.mark.parametrize(("code", "name"), [(401, "Authorization"), (407, "Proxy-Authorization")])
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("qop", [True, False])
def test_a_caller_who_knows_the_password_is_let_in(code: int, name: str, which: int, qop: bool) -> None:
    """By either algorithm, the better one offered first (RFC 8760), with qop or, as of old, without."""
    exchange = Exchange(Manner(), challenge=Challenge(status=code, user="Mufasa", password=PASSWORD))

    refused, challenges = asked(exchange)
    assert refused == code
    assert ["algorithm=SHA-256" in each for each in challenges] == [True, False]
    assert asked(exchange, proof(challenges[which], name=name, qop=qop), cseq=2) == (180, [])
    assert exchange.side.calls_up == 1


def test_whoever_does_not_is_asked_again() -> None:
    """A wrong password, another user's name, the other status's header, no digest at all."""
    exchange = Exchange(Manner(), challenge=BOTH)
    _, (challenge, _) = asked(exchange)
    right = proof(challenge)

    for cseq, wrong in enumerate(
        (
            proof(challenge, "Hakuna Matata"),
            right.replace("Mufasa", "Scar"),
            right.replace("Proxy-Authorization", "Authorization"),
            "Proxy-Authorization: Basic TXVmYXNhOg==\r\n",
            "Proxy-Authorization: Digest algorithm=MD4\r\n",
        ),
        start=2,
    ):
        code, challenges = asked(exchange, wrong, cseq)
        assert code == 407
        assert challenges[0] == challenge
        assert "stale" not in "".join(challenges)
    assert exchange.side.calls_up == 0


def test_a_stale_nonce_is_told_from_a_wrong_password() -> None:
    """`stale=true` and another nonce, whose credentials do; a wrong password is not told of it."""
    exchange = Exchange(
        Manner(), challenge=Challenge(status=407, user="Mufasa", password=PASSWORD, stale=True)
    )
    _, (first, _) = asked(exchange)

    assert "stale" not in "".join(asked(exchange, proof(first, "Hakuna Matata"), cseq=2)[1])
    code, (second, _) = asked(exchange, proof(first), cseq=3)
    assert (code, "stale=true" in second) == (407, True)
    assert asked(exchange, proof(second), cseq=4) == (180, [])


def test_a_nonce_of_another_call_is_stale() -> None:
    """Its credentials are right, and of no use here (RFC 7616 section 3.3)."""
    exchange = Exchange(Manner(), challenge=BOTH)
    _, (challenge, _) = asked(exchange)

    code, challenges = asked(exchange, proof(re.sub('nonce="..', 'nonce="xy', challenge)), cseq=2)

    assert code == 407
    assert all("stale=true" in each for each in challenges)


def test_the_password_is_in_no_representation() -> None:
    """It cannot get into a log by accident."""
    assert PASSWORD not in repr(BOTH)
