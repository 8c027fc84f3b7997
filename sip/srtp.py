"""Encrypted media with keys in the SDP (RFC 4568): whether it is wanted, and whether it was agreed on."""

import re
from enum import StrEnum

UNENCRYPTED = "answered with media in the clear, which --srtp required does not take"
_ENCRYPTED = re.compile(r"^m=audio \d+ RTP/SAVPF? .*?^a=crypto:", re.MULTILINE | re.DOTALL)


class Srtp(StrEnum):
    """`optional` offers keys with a stream that may be plain, `required` an encrypted stream alone."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


def is_encrypted(answer: str) -> bool:
    """Whether a SIP message with an SDP answer takes an encrypted audio stream."""
    return _ENCRYPTED.search(answer) is not None
