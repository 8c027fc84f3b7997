"""The accounts that a worker's lines call from: each address with its SIP transport and its media."""

import pjsua2

from sip.access import Block
from sip.wire import WorkerSpec

_MOST_ADDRESSES = 7  # of the 8 transports that the library has, one may be there to be woken by


def open_accounts(endpoint: pjsua2.Endpoint, spec: WorkerSpec, *, calls: int) -> list[pjsua2.Account]:
    """An account for each of the `calls` that the library takes, or for as many as have an address.

    Where lines have addresses of their own each account sends all it has to send from its own, over its own
    transport; where they share one, they share the account, which takes any transport.
    """
    block = Block("", spec.bind, spec.lines, spec.advertised)
    if block.count is None:
        for kind in (pjsua2.PJSIP_TRANSPORT_UDP, pjsua2.PJSIP_TRANSPORT_TCP):
            endpoint.transportCreate(kind, _bound(block, spec.sip_port))
        return [_account(spec, block)] * calls
    kind = pjsua2.PJSIP_TRANSPORT_UDP
    if spec.transport == "tcp":
        endpoint.transportCreate(kind, _bound(block, spec.sip_port))
        kind = pjsua2.PJSIP_TRANSPORT_TCP
    accounts = []
    for number in range(min(calls, block.count, _MOST_ADDRESSES)):
        line = block.rest(number)
        transport = endpoint.transportCreate(kind, _bound(line, spec.sip_port))
        accounts.append(_account(spec, line, transport))
    return accounts


def udp_port(endpoint: pjsua2.Endpoint) -> int:
    """The port of the endpoint's UDP transport on its first address."""
    for identity in endpoint.transportEnum():
        info = endpoint.transportGetInfo(identity)
        if info.type == pjsua2.PJSIP_TRANSPORT_UDP:
            return int(info.localName.rsplit(":", 1)[1])
    raise AssertionError("an endpoint has a UDP transport")


def _bound(block: Block, port: int, ports: int = 0) -> pjsua2.TransportConfig:
    """At a block's first address, known by what it advertises; on a port, or any of so many from it on."""
    config = pjsua2.TransportConfig()
    config.boundAddress = block.first
    config.publicAddress = block.advertised or ""
    config.port = port
    config.portRange = max(0, ports - 1)  # to the last one
    return config


def _account(spec: WorkerSpec, block: Block, transport: int | None = None) -> pjsua2.Account:
    config = pjsua2.AccountConfig()
    config.idUri = f"sip:ringtime@{spec.host}"
    config.mediaConfig.transportConfig = _bound(block, spec.rtp_port, spec.rtp_count)
    config.natConfig.udpKaIntervalSec = 0
    if transport is not None:
        config.sipConfig.transportId = transport
    if spec.user is not None:
        credentials = pjsua2.AuthCredInfo("digest", "*", spec.user, 0, spec.password or "")
        config.sipConfig.authCreds.append(credentials)
    account = pjsua2.Account()
    account.create(config)
    return account
