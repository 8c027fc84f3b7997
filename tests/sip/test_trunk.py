"""The trunk's address."""

import pytest

from sip.errors import UsageError
from sip.trunk import Trunk


@pytest.mark.parametrize(
    ("uri", "target", "loopback"),
    [
        ("sip:127.0.0.1:5060", "sip:+1555@127.0.0.1:5060", True),
        ("sip:trunk.example.net", "sip:+1555@trunk.example.net", False),
        ("SIP:localhost;transport=TCP", "sip:+1555@localhost;transport=tcp", True),
        ("sip:10.0.0.7:5080;transport=udp", "sip:+1555@10.0.0.7:5080", False),
        ("sip:127.0.0.1:5061;transport=tls", "sip:+1555@127.0.0.1:5061;transport=tls", True),
        ("sips:trunk.example.net", "sips:+1555@trunk.example.net", False),
    ],
)
def test_a_number_is_reached_at_the_trunks_address(uri: str, target: str, loopback: bool) -> None:
    """Host, port and transport are kept; what is the default, UDP or for sips TLS, is not spelled out."""
    trunk = Trunk.parse(uri)

    assert trunk.target("+1555") == target
    assert trunk.is_loopback is loopback


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "127.0.0.1",
        "http://trunk",
        "sip:",
        "sip:host:99999",
        "sip:host:0",
        "sip:user@host",
        "sip:host;transport=ws",
        "sips:host;transport=tcp",
        "sip:[::1]:5060",
        "sip:host\r\nVia: x",
    ],
)
def test_what_is_no_trunk_is_refused_by_the_option(uri: str) -> None:
    """Also what would smuggle a header into the request."""
    with pytest.raises(UsageError, match="--trunk"):
        Trunk.parse(uri)


@pytest.mark.parametrize("number", ["", "1 2", "a@b", "1\r\n", "1;x=y"])
def test_what_cannot_be_a_user_is_refused_as_a_number(number: str) -> None:
    """A number becomes the user part of a URI."""
    with pytest.raises(UsageError, match="--numbers"):
        Trunk.parse("sip:127.0.0.1").target(number)


def test_a_user_without_a_password_is_refused_with_the_variable_that_is_missing() -> None:
    """Secrets come from the environment."""
    with pytest.raises(UsageError, match="RINGTIME_SIP_PASSWORD"):
        Trunk.parse("sip:127.0.0.1", user="alice")


def test_the_password_is_in_no_representation() -> None:
    """It cannot get into a log by accident."""
    assert "secret" not in repr(Trunk.parse("sip:127.0.0.1", user="alice", password="secret"))  # noqa: S106
