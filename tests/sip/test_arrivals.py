"""The kernel's times of datagrams: between begin and end of their sending, however late they are read."""

import socket
import time

import pytest

from sip.arrivals import Arrivals
from tests.sip.conftest import wait_until

CLOCKS_S = 1e-4  # two clocks are read for a time, one after the other


def test_a_datagram_came_when_it_was_sent_not_when_it_was_read() -> None:
    """Of two that waited, the time is that of the one which was read last."""
    with socket.socket(type=socket.SOCK_DGRAM) as taker, socket.socket(type=socket.SOCK_DGRAM) as sender:
        taker.bind(("127.0.0.1", 0))
        arrivals = Arrivals(*taker.getsockname())

        def sending() -> tuple[float, float]:
            before_s = time.monotonic()
            sender.sendto(b"x", taker.getsockname())
            after_s = time.monotonic()
            while time.monotonic() < after_s + 0.005:  # so that one is no other
                pass
            return before_s, after_s

        def takes_times() -> bool:
            _, after_s = sending()
            taker.recv(1)
            return arrivals.last_s() <= after_s

        wait_until(takes_times)  # the kernel begins to a moment after it was asked
        sendings = [sending(), sending()]

        for before_s, after_s in sendings:
            taker.recv(1)
            assert before_s - CLOCKS_S <= arrivals.last_s() <= after_s + CLOCKS_S


def test_where_nothing_came_it_is_now() -> None:
    """Nobody asks then, but a time is a time."""
    with socket.socket(type=socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        arrivals = Arrivals(*taker.getsockname())

        before_s = time.monotonic()
        assert before_s <= arrivals.last_s() <= time.monotonic()


def test_a_socket_that_this_process_has_not_is_refused() -> None:
    """Before the first call, not with the first message."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()

    with pytest.raises(LookupError, match=f"{host}:{port}"):
        Arrivals(host, port)
