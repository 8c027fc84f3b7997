"""The addresses that calls are made from."""

import pytest

from sip import source
from sip.access import Block
from sip.errors import UsageError


@pytest.mark.parametrize(
    ("given", "first", "count"),
    [
        ("127.0.0.1", "127.0.0.1", 1),
        ("127.1.0.0/24", "127.1.0.1", 254),
        ("127.1.0.7/24", "127.1.0.1", 254),
        ("127.1.0.4/31", "127.1.0.4", 2),
        ("127.1.0.4/32", "127.1.0.4", 1),
        ("127.1.0.250-127.1.1.3", "127.1.0.250", 10),
    ],
)
def test_one_address_a_network_or_a_range(given: str, first: str, count: int) -> None:
    """A network's own address and that of all in it are nobody's."""
    assert source.read(given) == Block("clean", first, count, again=True)


@pytest.mark.parametrize(
    "given", ["", "localhost", "127.0.0.1/33", "127.0.0.2-127.0.0.1", "127.0.0.0/8", "::1", "127.0.0.300"]
)
def test_what_is_none_of_these_is_refused(given: str) -> None:
    """With what would do; also more of them than anybody has."""
    with pytest.raises(UsageError, match=r"^--source cannot be .*: give ADDRESS, ADDRESS/PREFIX or"):
        source.read(given)


def test_an_address_that_is_not_on_this_machine_is_refused() -> None:
    """203.0.113.0/24 is in documents alone (RFC 5737)."""
    with pytest.raises(UsageError, match=r"203\.0\.113\.7 is no address of this machine"):
        source.read("203.0.113.7")
