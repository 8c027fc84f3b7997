"""A look at the trunk before the first call: OPTIONS (RFC 3261 section 11) from a socket of our own."""

import logging
import secrets
import socket

from sip.errors import TrunkError
from sip.trunk import Trunk

_TRIES = 3
_WAIT_S = 1.0
_SIP_PORT = 5060
_log = logging.getLogger(__name__)


def look(trunk: Trunk) -> None:
    """Ask whether anybody is there.

    A trunk that stays silent is called all the same, with a warning: some answer nothing but INVITE.

    Raises:
        TrunkError: Its name does not resolve, or its machine says that nothing listens there.
    """
    port = trunk.port or _SIP_PORT
    try:
        address = socket.getaddrinfo(trunk.host, port, socket.AF_INET)[0][4]
    except socket.gaierror as error:
        raise TrunkError(
            f"{trunk.uri} cannot be called: {trunk.host} does not resolve ({error.strerror})"
        ) from error
    kind = socket.SOCK_STREAM if trunk.transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.settimeout(_WAIT_S)
        try:
            probe.connect(address)
            for _ in range(_TRIES):
                probe.send(_options(trunk, probe.getsockname()))
                try:
                    if probe.recv(65536):
                        return
                except TimeoutError:
                    continue
        except OSError as error:
            reason = error.strerror or error
            raise TrunkError(
                f"nothing takes calls at {trunk.uri} ({reason}): is it up, is the port right?"
            ) from error
    _log.warning("%s does not answer OPTIONS; calling it all the same", trunk.uri)


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
