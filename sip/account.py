"""The accounts that a worker's lines call from: each address with its SIP transport and its media."""

from ipaddress import IPv4Address

import pjsua2

from sip.wire import WorkerSpec

_MOST_ADDRESSES = 7  # of the 8 transports that the library has, one may be there to be woken by


def open_accounts(endpoint: pjsua2.Endpoint, spec: WorkerSpec, *, calls: int) -> list[pjsua2.Account]:
    """An account for each of the `calls` that the library takes, or for as many as have an address.

    Where lines have addresses of their own each account sends all it has to send from its own, over its own
    transport; where they share one, they share the account, which takes any transport.
    """
    if spec.lines is None:
        for kind in (pjsua2.PJSIP_TRANSPORT_UDP, pjsua2.PJSIP_TRANSPORT_TCP):
            endpoint.transportCreate(kind, _transport(spec, spec.bind, None))
        return [_account(spec, _media(spec, spec.bind, None))] * calls
    accounts = []
    kind = pjsua2.PJSIP_TRANSPORT_TCP if spec.transport == "tcp" else pjsua2.PJSIP_TRANSPORT_UDP
    if kind == pjsua2.PJSIP_TRANSPORT_TCP:
        endpoint.transportCreate(pjsua2.PJSIP_TRANSPORT_UDP, _transport(spec, spec.bind, spec.advertised))
    for number in range(min(calls, spec.lines, _MOST_ADDRESSES)):
        bind = str(IPv4Address(spec.bind) + number)
        public = str(IPv4Address(spec.advertised) + number) if spec.advertised else None
        transport = endpoint.transportCreate(kind, _transport(spec, bind, public))
        accounts.append(_account(spec, _media(spec, bind, public), transport))
    return accounts


def udp_port(endpoint: pjsua2.Endpoint) -> int:
    """The port of the endpoint's UDP transport on its first address."""
    for identity in endpoint.transportEnum():
        info = endpoint.transportGetInfo(identity)
        if info.type == pjsua2.PJSIP_TRANSPORT_UDP:
            return int(info.localName.rsplit(":", 1)[1])
    raise AssertionError("an endpoint has a UDP transport")


def _transport(spec: WorkerSpec, bind: str, public: str | None) -> pjsua2.TransportConfig:
    config = pjsua2.TransportConfig()
    config.boundAddress = bind
    config.publicAddress = public or ""
    config.port = spec.sip_port
    return config


def _media(spec: WorkerSpec, bind: str, public: str | None) -> pjsua2.TransportConfig:
    config = pjsua2.TransportConfig()
    config.boundAddress = bind
    config.publicAddress = public or ""
    config.port = spec.rtp_port
    config.portRange = spec.rtp_count
    return config


def _account(spec: WorkerSpec, media: pjsua2.TransportConfig, transport: int | None = None) -> pjsua2.Account:
    config = pjsua2.AccountConfig()
    config.idUri = f"sip:ringtime@{spec.host}"
    config.mediaConfig.transportConfig = media
    config.natConfig.udpKaIntervalSec = 0
    if transport is not None:
        config.sipConfig.transportId = transport
    if spec.user is not None:
        credentials = pjsua2.AuthCredInfo("digest", "*", spec.user, 0, spec.password or "")
        config.sipConfig.authCreds.append(credentials)
    account = pjsua2.Account()
    account.create(config)
    return account
