"""A TLS handshake of our own, before the library's: what is wrong with a file or a certificate, in words."""

import os
import socket
import ssl
from pathlib import Path

from sip.errors import TrunkError, UsageError
from sip.tls import Tls
from sip.trunk import Trunk

_BUNDLES = (  # where systems keep what they believe in, when Python was built elsewhere
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # SUSE
)


def system_ca() -> str | None:
    """The file of the certificates that this machine believes in; SSL_CERT_FILE names another."""
    named = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_BUNDLES)
    return next((path for path in named if path and Path(path).is_file()), None)


def context(tls: Tls) -> ssl.SSLContext:
    """TLS as workers speak it, as far as Python can be told to; raises UsageError for a file that is none."""
    try:
        made = ssl.create_default_context(cafile=tls.ca)
    except OSError as error:
        raise UsageError("--tls-ca", tls.ca, f"give a file of certificates, PEM ({_why(error)})") from error
    made.maximum_version = ssl.TLSVersion.TLSv1_2  # of the library's OpenSSL
    if tls.insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if tls.certificate is not None:
        load_identity(made, tls.certificate, tls.key, option="--client")
    return made


def load_identity(context: ssl.SSLContext, certificate: str, key: str | None, *, option: str) -> None:
    """Say who we are, by the files of `option`-cert and `option`-key; UsageError where they do not do."""
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        remedy = f"give a certificate and, by {option}-key, its key, both PEM, no password ({_why(error)})"
        raise UsageError(f"{option}-cert", certificate, remedy) from error


def shake_hands(trunk: Trunk, connection: socket.socket, tls: Tls) -> ssl.SSLSocket:
    """The connection once the trunk has proved what it is.

    Raises:
        TrunkError: It speaks no TLS, or another one than ours; or its certificate does not do.
    """
    try:
        return context(tls).wrap_socket(connection, server_hostname=trunk.host)
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message.rstrip(".")
        raise TrunkError(
            f"{trunk.uri} does not prove that it is {trunk.host}: {why}; --tls-ca names the file with who "
            f"vouches for it (now {tls.ca}), --tls-insecure calls it all the same"
        ) from error
    except TimeoutError as error:
        raise TrunkError(f"{trunk.uri} takes connections and answers no TLS: is the port right?") from error
    except OSError as error:
        raise TrunkError(
            f"{trunk.uri} does not speak TLS 1.2 as we do ({_why(error)}): are the port, ;transport=tls and "
            "--client-cert right?"
        ) from error


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)


def _no_password() -> str:
    """An encrypted key is refused: without this OpenSSL would ask at the terminal."""
    raise ValueError("the key is encrypted")
