"""The keys of the media path: a DTLS handshake that ends in two SRTP sessions (RFC 5764)."""

import asyncio
import contextlib
import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from pylibsrtp import Policy

from lab.trunk.srtp import Srtp

_EXPORTER = b"EXTRACTOR-dtls_srtp"
_READ = 4096  # more than a flight of a handshake with elliptic curves
# OpenSSL would wait a second, but the server's stack drops a ClientHello that comes before it is ready for
# it, and the caller hears it ring meanwhile.
_REPEATS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
_HASHES = {"sha-256": hashes.SHA256(), "sha-384": hashes.SHA384(), "sha-512": hashes.SHA512()}


class HandshakeError(Exception):
    """The server is not who its answer said it is, or shares no way to encrypt with this side."""


@dataclass(frozen=True, slots=True)
class _Profile:
    policy: int
    key_bytes: int
    salt_bytes: int


# In order of preference, the cheaper first (RFC 7714 14.2, RFC 5764 4.1.2).
_PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": _Profile(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": _Profile(Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


@functools.cache
def _identity() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The certificate all calls of this process show; it only has to match the offer's fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trunk")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return certificate, key


@functools.cache
def fingerprint() -> str:
    """The fingerprint of this process's certificate, as SDP writes it (RFC 8122 5)."""
    return f"sha-256 {_digest(_identity()[0], 'sha-256')}"


def _digest(certificate: x509.Certificate, algorithm: str) -> str:
    return certificate.fingerprint(_HASHES[algorithm]).hex(":").upper()


@functools.cache
def _context() -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    certificate, key = _identity()
    context.use_certificate(certificate)
    context.use_privatekey(key)
    # Any certificate will do here: the fingerprint of the answer says whether it is the right one.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_tlsext_use_srtp(b":".join(_PROFILES))
    return context


class Dtls:
    """One handshake over datagrams."""

    def __init__(self, send: Callable[[bytes], None], *, expect: str, active: bool) -> None:
        """Shake hands through `send` with a server of fingerprint `expect`; `active` speaks first."""
        loop = asyncio.get_running_loop()
        self.agreed: asyncio.Future[Srtp] = loop.create_future()
        """Done when the keys are there, or with the error that kept them away."""
        self._send = send
        self._expect = expect
        self._active = active
        self._flight = b""
        self._repeats = iter(_REPEATS_S)
        self._timer: asyncio.TimerHandle | None = None
        self._connection = SSL.Connection(_context(), None)
        if active:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    def start(self) -> None:
        """Begin, unless it is for the server to."""
        if self._active:
            self._advance()

    def receive(self, datagram: bytes) -> None:
        """Take a DTLS datagram from the server."""
        self._connection.bio_write(datagram)
        if not self.agreed.done():
            self._advance()
            return
        # Nothing is read: but a flight of the handshake that was lost is sent again by this.
        with contextlib.suppress(SSL.Error):
            self._connection.recv(_READ)
        self._flush()

    def _advance(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            if self._flush():
                self._repeats = iter(_REPEATS_S)
                self._await_answer()
            return
        except SSL.Error as error:
            self._flush()
            self._fail(HandshakeError(f"the server broke the DTLS handshake off: {error}"))
            return
        self._flush()
        self._stop_repeating()
        try:
            keys = self._keys()
        except HandshakeError as error:
            self._fail(error)
        else:
            self.agreed.set_result(keys)

    def _await_answer(self) -> None:
        self._stop_repeating()
        if (pause_s := next(self._repeats, None)) is not None:
            self._timer = asyncio.get_running_loop().call_later(pause_s, self._repeat)

    def _repeat(self) -> None:
        self._send(self._flight)
        self._await_answer()

    def _stop_repeating(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _fail(self, error: HandshakeError) -> None:
        self._stop_repeating()
        if not self.agreed.done():
            self.agreed.set_exception(error)

    def _keys(self) -> Srtp:
        algorithm, _, expected = self._expect.partition(" ")
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        known = algorithm.lower() in _HASHES
        if certificate is None or not known or _digest(certificate, algorithm.lower()) != expected.upper():
            raise HandshakeError("the server's certificate is not the one that its answer announced")
        profile = _PROFILES.get(self._connection.get_selected_srtp_profile())
        if profile is None:
            raise HandshakeError("the server agreed to none of the SRTP profiles offered")
        size, salt = profile.key_bytes, profile.salt_bytes
        material = self._connection.export_keying_material(_EXPORTER, 2 * (size + salt))
        # RFC 5764 4.2: the client's key, the server's key, the client's salt, the server's salt.
        client = material[:size] + material[2 * size : 2 * size + salt]
        server = material[size : 2 * size] + material[2 * size + salt :]
        ours, theirs = (client, server) if self._active else (server, client)
        return Srtp.agree(ours=ours, theirs=theirs, profile=profile.policy)

    def _flush(self) -> bool:
        """Send what there is to send; whether there was anything."""
        try:
            self._flight = self._connection.bio_read(_READ)
        except SSL.WantReadError:
            return False
        self._send(self._flight)
        return True

    def close(self) -> None:
        """Say that no more is sent, and stop."""
        self._stop_repeating()
        with contextlib.suppress(SSL.Error):  # in the middle of a handshake
            self._connection.shutdown()
        self._flush()
        self.agreed.cancel()
