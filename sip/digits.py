"""The digits that a caller keys in, as telephone events beside its voice (RFC 4733)."""

import re

from sip.errors import UsageError

EACH_S = 0.24  # how the SIP stack sends them: 160 ms of each, and 80 ms between two
_DIGITS = re.compile(r"[0-9A-D*#]{1,32}")  # the SIP stack keeps 32 that are still to be sent


def read(text: str) -> str:
    """The digits of `--dtmf`; raises UsageError for what has no key (RFC 4733 section 3.2)."""
    digits = text.strip().upper()
    if not _DIGITS.fullmatch(digits):
        raise UsageError("--dtmf", text, "give up to 32 of 0-9, A-D, * and #, such as 1234#")
    return digits
