"""An authority of one's own and the certificates that it gives, for the tests that speak TLS."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NOW = dt.datetime.now(dt.UTC)
_LONG_AGO = _NOW - dt.timedelta(days=30)
_A_WEEK = dt.timedelta(days=7)
_OURS = ("localhost", "127.0.0.1")


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass(frozen=True)
class Authority:
    """Its files are in `folder`: `ca` is what those who believe in it are given."""

    folder: Path

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def ca(self) -> Path:
        """Its own certificate."""
        usage = {"key_cert_sign": True, "crl_sign": True}
        rest = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
        rest += ("key_agreement", "encipher_only", "decipher_only")
        made = self._certificate(self.folder.name, self._key, _NOW + _A_WEEK)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = made.add_extension(x509.KeyUsage(**dict.fromkeys(rest, False), **usage), critical=True)
        return self._write("ca", made.sign(self._key, hashes.SHA256()), b"")

    def certify(self, *names: str, expired: bool = False) -> Path:
        """A file with the key and the certificate of these names, by default of this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        ends = _NOW - _A_WEEK if expired else _NOW + _A_WEEK
        alternatives = x509.SubjectAlternativeName([_general(name) for name in names or _OURS])
        made = self._certificate("a trunk", key, ends).add_extension(alternatives, critical=False)
        name = f"{'expired-' * expired}{'-'.join(names or _OURS)}"
        return self._write(name, made.sign(self._key, hashes.SHA256()), _pem(key))

    def _certificate(
        self, name: str, key: ec.EllipticCurvePrivateKey, ends: dt.datetime
    ) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(_named(name)).issuer_name(_named(self.folder.name))
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return made.not_valid_before(_LONG_AGO).not_valid_after(ends)

    def _write(self, name: str, certificate: x509.Certificate, key: bytes) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(key + certificate.public_bytes(serialization.Encoding.PEM))
        return path
