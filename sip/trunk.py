"""The trunk's address: a SIP URI (RFC 3261 section 19.1), taken apart and checked before the first call."""

import ipaddress
import re
from dataclasses import dataclass, field

from sip.errors import UsageError

_URI = re.compile(
    r"sip:(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>\d{1,5}))?"
    r"(?:;transport=(?P<transport>\w+))?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\+?[A-Za-z0-9._*#-]+")


@dataclass(frozen=True, slots=True)
class Trunk:
    """Where calls go; `user` and `password` answer its digest challenge (RFC 3261 section 22)."""

    host: str
    port: int | None = None
    transport: str = "udp"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, uri: str, *, user: str | None = None, password: str | None = None) -> "Trunk":
        """Read `sip:host[:port][;transport=udp|tcp]`; raises UsageError for anything else."""
        match = _URI.fullmatch(uri.strip())
        remedy = "give a SIP URI such as sip:trunk.example.net or sip:127.0.0.1:5060;transport=tcp"
        if match is None:
            raise UsageError("--trunk", uri, remedy)
        transport = (match["transport"] or "udp").lower()
        port = int(match["port"]) if match["port"] else None
        if transport not in ("udp", "tcp") or (port is not None and not 0 < port < 65536):
            raise UsageError("--trunk", uri, remedy)
        if match["host"].startswith("["):
            raise UsageError("--trunk", uri, "the SIP stack speaks IPv4 only: give a name or an IPv4 address")
        if user is not None and password is None:
            raise UsageError("--sip-user", user, "its password belongs into RINGTIME_SIP_PASSWORD")
        return cls(match["host"], port, transport, user, password)

    @property
    def uri(self) -> str:
        """The trunk's URI without credentials."""
        return f"sip:{self._address}"

    @property
    def is_loopback(self) -> bool:
        """Whether the trunk is on this machine by its address, so that calls cost nothing."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def target(self, number: str) -> str:
        """The request URI that reaches `number`; raises UsageError for what cannot be a SIP user."""
        if not _NUMBER.fullmatch(number):
            raise UsageError("--numbers", number, "give a telephone number such as +15550100001")
        return f"sip:{number}@{self._address}"

    @property
    def _address(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.host}{port}" + (";transport=tcp" if self.transport == "tcp" else "")
