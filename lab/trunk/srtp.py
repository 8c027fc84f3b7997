"""Encrypted RTP (RFC 3711): two directions of one stream, and the keys SDP carries for it (RFC 4568)."""

import base64
import binascii
import secrets
from dataclasses import dataclass

from pylibsrtp import Policy, Session

SUITE = "AES_CM_128_HMAC_SHA1_80"
"""The one crypto suite of SDP that is answered."""

_KEY_BYTES = 30  # of key and salt together (RFC 4568 6.1)


@dataclass(frozen=True, slots=True)
class Srtp:
    """How packets are encrypted and decrypted once the keys are agreed."""

    outward: Session
    inward: Session

    @classmethod
    def agree(
        cls, *, ours: bytes, theirs: bytes, profile: int = Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    ) -> "Srtp":
        """Use these keys, each with its salt behind it."""
        return cls(
            Session(Policy(key=ours, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)),
            Session(Policy(key=theirs, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile)),
        )


def new_key() -> bytes:
    """A key with its salt."""
    return secrets.token_bytes(_KEY_BYTES)


def read_crypto(attributes: list[str]) -> bytes | None:
    """The key of the first crypto attribute of an offer that can be answered, None when there is none."""
    for attribute in attributes:
        fields = attribute.split()
        if len(fields) < 3 or fields[1] != SUITE or not fields[2].startswith("inline:"):
            continue
        try:
            key = base64.b64decode(fields[2].removeprefix("inline:").partition("|")[0], validate=True)
        except binascii.Error:
            continue
        if len(key) == _KEY_BYTES:
            return key
    return None


def write_crypto(key: bytes) -> str:
    """The crypto attribute that answers with `key`."""
    return f"1 {SUITE} inline:{base64.b64encode(key).decode()}"
