"""What makes sure of a TLS connection to a trunk: who vouches for it, what it must be called, who we are."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM form: `ca` has the certificates that are believed in, `certificate` and `key` are our own.

    Where it is `insecure`, anybody is taken for the trunk.
    """

    ca: str
    insecure: bool = False
    certificate: str | None = None
    key: str | None = None


def is_named(host: str, names: Iterable[str]) -> bool:
    """Whether one of a certificate's names is the host's, a `*` in front being any one label.

    RFC 5922 section 7.2 knows no such `*`, but trunks that hand out a name a customer have certificates with
    it; so it is read as RFC 6125 section 6.4.3 does.
    """
    host = host.lower()
    fitting = {host}
    try:
        ipaddress.ip_address(host)
    except ValueError:
        _, _, domain = host.partition(".")
        if "." in domain:
            fitting.add(f"*.{domain}")
    return any(name.lower() in fitting for name in names)
