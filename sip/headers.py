"""Header lines of a user's own for every INVITE: read, and refused where they are the SIP stack's."""

import re

from sip.errors import UsageError

_SEPARATOR = "|"  # a header's value may hold any of , ; : and "
_NAME = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")  # a token, RFC 3261 section 25.1
_VALUE = re.compile(r"[^\x00-\x1f\x7f]+")  # what ends a line would begin a header of somebody else's
# What the SIP stack writes itself, in full and compact form (section 7.3.3); a second one would be an error
# at best.
_OURS = re.compile(
    r"accept|allow|authorization|call-id|contact|content-.*|cseq|from|max-forwards|min-se|proxy-authorization"
    r"|proxy-require|rack|record-route|require|route|rseq|session-expires|supported|to|user-agent|via"
    r"|x-lk-test-id|[cefiklmtvx]",
    re.IGNORECASE,
)
_REMEDY = "write them as NAME: VALUE | NAME: VALUE"


def read(given: str) -> tuple[tuple[str, str], ...]:
    """Names and values in their order; raises UsageError for what cannot be one, or is the stack's own."""
    headers = []
    for line in given.split(_SEPARATOR):
        name, _, value = (part.strip(" ") for part in line.partition(":"))
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise UsageError("--headers", given, _REMEDY)
        if _OURS.fullmatch(name):
            raise UsageError("--headers", given, f"{name} is written by the SIP stack itself: leave it out")
        headers.append((name, value))
    return tuple(headers)
