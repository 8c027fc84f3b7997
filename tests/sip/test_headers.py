"""Header lines of a user's own."""

import pytest

from sip import headers
from sip.errors import UsageError


def test_headers_are_read_in_their_order() -> None:
    """A value may hold what separates things elsewhere; the same name may come twice."""
    given = 'X-Tenant: acme | P-Asserted-Identity: "A; B" <sip:+1@h;user=phone>, <tel:+1>|X-Tenant:two'

    assert headers.read(given) == (
        ("X-Tenant", "acme"),
        ("P-Asserted-Identity", '"A; B" <sip:+1@h;user=phone>, <tel:+1>'),
        ("X-Tenant", "two"),
    )


@pytest.mark.parametrize(
    "given", ["", "X-A", "X-A:", ": 1", "X A: 1", "X-A: 1\r\nVia: x", "X-A: 1 | ", "X-A: \x00", "X-Ä: 1"]
)
def test_what_is_no_header_line_is_refused(given: str) -> None:
    """Also what would smuggle in another one."""
    with pytest.raises(
        UsageError, match=r"^--headers cannot be .*: write them as NAME: VALUE \| NAME: VALUE"
    ):
        headers.read(given)


@pytest.mark.parametrize(
    "name", ["Via", "from", "CALL-ID", "Content-Type", "Authorization", "X-Lk-Test-Id", "v"]
)
def test_what_the_stack_writes_is_refused_by_its_name(name: str) -> None:
    """In full and compact form, in any case of letters."""
    with pytest.raises(UsageError, match=f"{name} is written by the SIP stack itself"):
        headers.read(f"X-A: 1 | {name}: 2")
