"""A look at the trunk before the first call: OPTIONS (RFC 3261 section 11) from a socket of our own."""

import contextlib
import logging
import secrets
import socket

from sip.access import Block
from sip.errors import TrunkError
from sip.handshake import shake_hands
from sip.srtp import Srtp
from sip.trunk import Trunk

_TRIES = 3
_WAIT_S = 1.0
_log = logging.getLogger(__name__)


def look(trunk: Trunk, source: Block | None = None) -> None:
    """Ask whether anybody is there, from the first address of `source` where that is given.

    A trunk that stays silent is called all the same, with a warning: some answer nothing but INVITE.

    Raises:
        TrunkError: Its name does not resolve, its machine says that nothing listens there, or it does not
            prove by its certificate that it is the trunk.
    """
    try:
        address = socket.getaddrinfo(trunk.host, trunk.sip_port, socket.AF_INET)[0][4]
    except socket.gaierror as error:
        raise TrunkError(
            f"{trunk.uri} cannot be called: {trunk.host} does not resolve ({error.strerror})"
        ) from error
    kind = socket.SOCK_DGRAM if trunk.transport == "udp" else socket.SOCK_STREAM
    with contextlib.ExitStack() as opened:
        probe = opened.enter_context(socket.socket(socket.AF_INET, kind))
        probe.settimeout(_WAIT_S)
        try:
            probe.bind((source.first if source else "", 0))
            probe.connect(address)
            if trunk.tls is not None:
                probe = opened.enter_context(shake_hands(trunk, probe, trunk.tls))
            _warn(trunk)
            if _answers(trunk, probe):
                return
        except OSError as error:
            reason = error.strerror or error
            there = f"{trunk.uri} from {source.first}" if source else trunk.uri
            raise TrunkError(
                f"nothing takes calls at {there} ({reason}): is it up, is the port right?"
            ) from error
    _log.warning("%s does not answer OPTIONS; calling it all the same", trunk.uri)


def _warn(trunk: Trunk) -> None:
    if trunk.tls is not None and trunk.tls.insecure:
        _log.warning("whoever answers at %s is taken for the trunk, as --tls-insecure asks for", trunk.uri)
    if trunk.srtp is not Srtp.OFF and trunk.tls is None:
        _log.warning("the keys of encrypted media travel in the clear to %s: call it over TLS", trunk.uri)


def _answers(trunk: Trunk, probe: socket.socket) -> bool:
    for _ in range(_TRIES):
        probe.send(_options(trunk, probe.getsockname()))
        with contextlib.suppress(TimeoutError):
            if probe.recv(65536):
                return True
    return False


def _options(trunk: Trunk, local: tuple[str, int]) -> bytes:
    here = f"{local[0]}:{local[1]}"
    token = secrets.token_hex(8)
    lines = [
        f"OPTIONS {trunk.uri} SIP/2.0",
        f"Via: SIP/2.0/{trunk.transport.upper()} {here};rport;branch=z9hG4bK{token}",
        "Max-Forwards: 70",
        f"From: <sip:ringtime@{here}>;tag={token}",
        f"To: <{trunk.uri}>",
        f"Call-ID: {token}@{local[0]}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:ringtime@{here}>",
        "Accept: application/sdp",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
