"""Which executor delivers a choice of networks."""

import pytest

from network import capability, spec
from network.capability import Executor
from network.errors import CannotExpressError, UnavailableError


def test_the_wire_can_deliver_everything() -> None:
    """It is the model itself, packet by packet."""
    for network in ("mtu-1200", "bye-lost", "g114-150+g114-400", "agent=flap;settings=geo-sat"):
        capability.check(Executor.WIRE, spec.choose(network))


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("mtu-1200", "it does not see fragments. The wire can"),
        ("agent=burst-loss-5", "packets of a TCP stream. The wire can"),
        ("g114-150+g114-400", "one profile a leg, not g114-150 and g114-400. The wire can"),
    ],
)
def test_what_a_relay_cannot_deliver_names_who_can(network: str, said: str) -> None:
    """The callers' leg may lose datagrams, the agent's has streams on it."""
    with pytest.raises(CannotExpressError, match=said):
        capability.check(Executor.RELAY, spec.choose(network))
    capability.check(Executor.RELAY, spec.choose("caller=burst-loss-5;agent=g114-150"))


def test_without_the_wire_the_relay_serves_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where it cannot, the reason of each executor is given."""
    monkeypatch.setattr(capability, "missing_for_wire", lambda: ["there is no /dev/net/tun"])
    assert capability.choose(spec.choose("burst-loss-5")) is Executor.RELAY
    with pytest.raises(UnavailableError) as refused:
        capability.choose(spec.choose("mtu-1200"))
    assert "wire: there is no /dev/net/tun" in str(refused.value)
    assert "relay: a relay cannot deliver mtu-1200: it does not see fragments" in str(refused.value)


def test_where_the_wire_works_it_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the default."""
    monkeypatch.setattr(capability, "missing_for_wire", list)
    assert capability.choose(spec.choose("burst-loss-5")) is Executor.WIRE
