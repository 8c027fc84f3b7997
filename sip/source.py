"""Which addresses of this machine calls are made from."""

import ipaddress
import re
import socket

from network.spec import CLEAN
from sip.access import Block
from sip.errors import UsageError

_FORM = re.compile(r"(?P<first>[0-9.]+)(?:/(?P<prefix>[0-9]{1,2})|-(?P<last>[0-9.]+))?")
_MOST = 4096
_REMEDY = f"give ADDRESS, ADDRESS/PREFIX or ADDRESS-LAST, IPv4, at most {_MOST} of them"


def read(given: str) -> Block:
    """The addresses that lines have, one after the other and then again.

    Raises:
        UsageError: That is no such thing, or an address of it is not on this machine.
    """
    try:
        first, last = _ends(given)
    except ValueError as error:
        raise UsageError("--source", given, _REMEDY) from error
    count = int(last) - int(first) + 1
    if not 0 < count <= _MOST:
        raise UsageError("--source", given, _REMEDY)
    for place in range(count):
        _check_is_here(given, str(first + place))
    return Block(CLEAN, str(first), count, again=True)


def _ends(given: str) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    parts = _FORM.fullmatch(given.strip())
    if parts is None:
        raise ValueError(given)
    first = ipaddress.IPv4Address(parts["first"])
    if parts["prefix"] is None:
        return first, ipaddress.IPv4Address(parts["last"] or first)
    network = ipaddress.IPv4Network((first, int(parts["prefix"])), strict=False)
    if network.num_addresses <= 2:  # RFC 3021: of two both are hosts
        return network[0], network[-1]
    return network[1], network[-2]


def _check_is_here(given: str, address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            remedy = f"{address} is no address of this machine: `ip address` lists those"
            raise UsageError("--source", given, remedy) from error
