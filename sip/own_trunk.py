"""The options of a trunk of one's own: where it is, who calls it, what it is told and how secretly."""

import argparse
import dataclasses
from collections.abc import Mapping

from sip import digits, headers
from sip.errors import UsageError
from sip.handshake import context, system_ca
from sip.srtp import Srtp
from sip.tls import Tls
from sip.trunk import Trunk

PASSWORD = "RINGTIME_SIP_PASSWORD"  # noqa: S105 - the variable's name
_ONLY_WITH_TRUNK = (
    "sip_user",
    "tls_ca",
    "tls_insecure",
    "client_cert",
    "client_key",
    "headers",
    "dtmf",
    "source",
    "srtp",
)


def read(given: argparse.Namespace, environment: Mapping[str, str]) -> Trunk | None:
    """The trunk that was given, or None for the lab's; raises UsageError as `options.read` does."""
    if not given.trunk:
        for option in _ONLY_WITH_TRUNK:
            if value := getattr(given, option):
                raise UsageError(_spelled(option), value, "the lab needs none of it; it goes with --trunk")
        return None
    trunk = Trunk.parse(given.trunk, user=given.sip_user or None, password=environment.get(PASSWORD))
    if not trunk.is_loopback and not given.allow_remote:
        raise UsageError("--trunk", given.trunk, "it is not on this machine; add --allow-remote to call it")
    own = headers.read(given.headers) if given.headers else ()
    return dataclasses.replace(
        trunk,
        tls=_tls(given, trunk),
        srtp=Srtp(given.srtp or Srtp.OFF),
        headers=own,
        digits=digits.read(given.dtmf) if given.dtmf else "",
    )


def _tls(given: argparse.Namespace, trunk: Trunk) -> Tls | None:
    if trunk.transport != "tls":
        for option in ("tls_ca", "tls_insecure", "client_cert", "client_key"):
            if value := getattr(given, option):
                remedy = "--trunk is not called over TLS: add ;transport=tls to it"
                raise UsageError(_spelled(option), value, remedy)
        return None
    ca = given.tls_ca or system_ca()
    if ca is None:
        raise UsageError("--tls-ca", None, "this system has no bundle of certificates: name a file of them")
    if given.client_key and not given.client_cert:
        raise UsageError(
            "--client-key", given.client_key, "it is the key of a certificate: add --client-cert"
        )
    tls = Tls(
        ca, given.tls_insecure, given.client_cert or None, given.client_key or given.client_cert or None
    )
    context(tls)
    return tls


def _spelled(option: str) -> str:
    return f"--{option.replace('_', '-')}"
