"""The trunk's address: a SIP URI (RFC 3261 section 19.1), taken apart and checked before the first call."""

import ipaddress
import re
from dataclasses import dataclass, field

from sip.errors import UsageError
from sip.srtp import Srtp
from sip.tls import Tls

_URI = re.compile(
    r"(?P<scheme>sips?):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>\d{1,5}))?"
    r"(?:;transport=(?P<transport>\w+))?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\+?[A-Za-z0-9._*#-]+")
_TRANSPORTS = {"sip": ("udp", "tcp", "tls"), "sips": ("tls",)}  # the first is the default
_SIP_PORT, _SIPS_PORT = 5060, 5061


@dataclass(frozen=True, slots=True)
class Trunk:
    """Where calls go, and how.

    `user` and `password` answer its digest challenge (RFC 3261 section 22); `headers`, names and values, are
    in every INVITE. `digits` are keyed in once a call is answered.
    """

    host: str
    port: int | None = None
    transport: str = "udp"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    scheme: str = "sip"
    tls: Tls | None = None
    srtp: Srtp = Srtp.OFF
    headers: tuple[tuple[str, str], ...] = ()
    digits: str = ""

    @classmethod
    def parse(cls, uri: str, *, user: str | None = None, password: str | None = None) -> "Trunk":
        """Read `sip:host[:port][;transport=udp|tcp|tls]` or `sips:host[:port]`; UsageError for all else."""
        match = _URI.fullmatch(uri.strip())
        remedy = "give a SIP URI such as sip:trunk.example.net or sip:127.0.0.1:5061;transport=tls"
        if match is None:
            raise UsageError("--trunk", uri, remedy)
        scheme = match["scheme"].lower()
        transport = (match["transport"] or _TRANSPORTS[scheme][0]).lower()
        port = int(match["port"]) if match["port"] else None
        if transport not in _TRANSPORTS[scheme] or (port is not None and not 0 < port < 65536):
            raise UsageError("--trunk", uri, remedy)
        if match["host"].startswith("["):
            raise UsageError("--trunk", uri, "the SIP stack speaks IPv4 only: give a name or an IPv4 address")
        if user is not None and password is None:
            raise UsageError("--sip-user", user, "its password belongs into RINGTIME_SIP_PASSWORD")
        return cls(match["host"], port, transport, user, password, scheme)

    @property
    def uri(self) -> str:
        """The trunk's URI without credentials."""
        return f"{self.scheme}:{self._address}"

    @property
    def sip_port(self) -> int:
        """The port that is called, also where the URI leaves it to the standard (RFC 3261 section 19.1.2)."""
        return self.port or (_SIPS_PORT if self.transport == "tls" else _SIP_PORT)

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
        return f"{self.scheme}:{number}@{self._address}"

    @property
    def _address(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        spelled = "" if self.transport == _TRANSPORTS[self.scheme][0] else f";transport={self.transport}"
        return f"{self.host}{port}{spelled}"
