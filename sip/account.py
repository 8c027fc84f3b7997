"""The accounts that a worker's lines call from: each address with its SIP transport and its media."""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

import pjsua2

from sip.access import Address
from sip.arrivals import Arrivals
from sip.media import Media
from sip.srtp import Srtp
from sip.trunk import Trunk
from sip.wire import WorkerSpec

_KINDS = {
    "udp": pjsua2.PJSIP_TRANSPORT_UDP,
    "tcp": pjsua2.PJSIP_TRANSPORT_TCP,
    "tls": pjsua2.PJSIP_TRANSPORT_TLS,
}
_SRTP = {
    Srtp.OFF: pjsua2.PJMEDIA_SRTP_DISABLED,
    Srtp.OPTIONAL: pjsua2.PJMEDIA_SRTP_OPTIONAL,
    Srtp.REQUIRED: pjsua2.PJMEDIA_SRTP_MANDATORY,
}
_IDENTITY = "sip:ringtime@ringtime.invalid"  # every call says who is calling itself
_HANDSHAKE_MS = 10_000
_DISCARD_PORT = 9  # RFC 863: where what nobody is to hear goes


class Extension(NamedTuple):
    """What a line calls from, and when the message came that is being handled (CLOCK_MONOTONIC)."""

    account: pjsua2.Account
    arrived_s: Callable[[], float]


def extensions(endpoint: pjsua2.Endpoint, spec: WorkerSpec, *, calls: int) -> list[Extension]:
    """One for each of the `calls` that the library takes, or for as many as have an address.

    Where lines have addresses of their own each account sends all it has to send from its own, over its own
    transport; where they share one, they share the account, which takes any transport. What comes over
    connections has no times of its own: it came when it is handled.
    """
    transport = spec.trunk.transport
    if spec.sharing:
        (address,) = spec.addresses
        opened = {
            kind: _open(endpoint, kind, spec, address) for kind in dict.fromkeys(("udp", "tcp", transport))
        }
        return [Extension(_account(spec, address), _arrived(endpoint, spec, opened[transport]))] * calls
    if transport != "udp":
        _open(endpoint, "udp", spec, spec.addresses[0])
    found = []
    for address in spec.addresses[:calls]:
        identity = _open(endpoint, transport, spec, address)
        account = _account(spec, address, identity)
        found.append(Extension(account, _arrived(endpoint, spec, identity)))
    return found


def _arrived(endpoint: pjsua2.Endpoint, spec: WorkerSpec, transport: int) -> Callable[[], float]:
    if spec.trunk.transport != "udp":
        return time.monotonic
    host, _, port = endpoint.transportGetInfo(transport).localAddress.rpartition(":")
    return Arrivals(host, int(port)).last_s


def udp_port(endpoint: pjsua2.Endpoint) -> int:
    """The port of the endpoint's UDP transport on its first address."""
    for identity in endpoint.transportEnum():
        info = endpoint.transportGetInfo(identity)
        if info.type == pjsua2.PJSIP_TRANSPORT_UDP:
            return int(info.localName.rsplit(":", 1)[1])
    raise AssertionError("an endpoint has a UDP transport")


def _open(endpoint: pjsua2.Endpoint, transport: str, spec: WorkerSpec, address: Address) -> int:
    """A SIP transport at an address; whom TLS trusts is for the endpoint to say."""
    config = _bound(address, spec.sip_port)
    tls = spec.trunk.tls
    if transport == "tls" and tls is not None:
        config.tlsConfig.CaListFile = tls.ca
        config.tlsConfig.certFile, config.tlsConfig.privKeyFile = tls.certificate or "", tls.key or ""
        config.tlsConfig.msecTimeout = _HANDSHAKE_MS
    return int(endpoint.transportCreate(_KINDS[transport], config))


def account_of_strangers() -> pjsua2.Account:
    """What INVITEs that come from nowhere reach, where they are refused and open no RTP sockets.

    A worker's port is in reach of whoever scans for SIP, and a closed socket keeps its handle for 500 ms: the
    library, which has 64, ends its process where they are all taken.
    """
    config = pjsua2.AccountConfig()
    config.idUri = _IDENTITY
    config.priority = 1  # before all others, none of which a request names better
    config.mediaConfig.useLoopMedTp = True
    account = pjsua2.Account()
    account.create(config, True)
    return account


def _bound(address: Address, port: int, ports: int = 0) -> pjsua2.TransportConfig:
    """At an address, known by what it advertises; on a port, or any of so many from it on."""
    config = pjsua2.TransportConfig()
    config.boundAddress = address.bound
    config.publicAddress = address.advertised or ""
    config.port = port
    config.portRange = max(0, ports - 1)  # to the last one
    return config


def _known(address: Address, trunk: Trunk) -> Address:
    """The address; for any, the one that leads to the trunk: what has no socket cannot know it."""
    if address.bound:
        return address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((trunk.host, trunk.sip_port))
        return Address(probe.getsockname()[0], address.advertised)


def _account(spec: WorkerSpec, address: Address, transport: int | None = None) -> pjsua2.Account:
    config = pjsua2.AccountConfig()
    config.idUri = _IDENTITY
    if spec.media is not Media.PJSUA2:
        config.mediaConfig.useLoopMedTp = True
        config.mediaConfig.transportConfig = _bound(_known(address, spec.trunk), _DISCARD_PORT)
    else:
        config.mediaConfig.transportConfig = _bound(address, spec.rtp_port, spec.rtp_count)
    config.mediaConfig.srtpUse = _SRTP[spec.trunk.srtp]
    config.mediaConfig.srtpSecureSignaling = 0  # whether the keys' way is safe was said before the run
    config.natConfig.udpKaIntervalSec = 0
    if transport is not None:
        config.sipConfig.transportId = transport
    if spec.trunk.user is not None:
        credentials = pjsua2.AuthCredInfo("digest", "*", spec.trunk.user, 0, spec.trunk.password or "")
        config.sipConfig.authCreds.append(credentials)
    account = pjsua2.Account()
    account.create(config)
    if spec.trunk.transport != "udp":
        _connect(account, spec.trunk)
    return account


def _connect(account: pjsua2.Account, trunk: Trunk) -> None:
    """Have a connection before the first call does, so that none of its time is a connection's."""
    options = pjsua2.SendRequestParam()
    options.method = "OPTIONS"
    options.txOption.targetUri = trunk.uri
    with contextlib.suppress(pjsua2.Error):  # why there is none is for the calls to say
        account.sendRequest(options)
