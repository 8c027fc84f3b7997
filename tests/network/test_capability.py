"""Which executor delivers a choice of networks."""

import pytest

from network import capability, spec
from network.emulation import Executor
from network.errors import CannotExpressError, UnavailableError


def test_the_wire_can_deliver_everything() -> None:
    """It is the model itself, packet by packet."""
    for network in ("mtu-1200", "bye-lost", "g114-150+g114-400", "agent=flap;settings=geo-sat"):
        capability.check(Executor.WIRE, spec.choose(network))


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("mtu-1200", "it does not see fragments. The wire can"),
        ("agent=flap", "on the leg agent: WebRTC picks its ports and candidates itself"),
        ("settings=g114-150", "on the leg settings: it carries the callers' UDP alone. The wire can"),
    ],
)
def test_what_a_relay_cannot_deliver_names_who_can(network: str, said: str) -> None:
    """It is for the callers' datagrams, several profiles of them if need be."""
    with pytest.raises(CannotExpressError, match=said):
        capability.check(Executor.RELAY, spec.choose(network))
    with pytest.raises(CannotExpressError, match=said):
        capability.choose(spec.choose(network), Executor.RELAY)
    capability.check(Executor.RELAY, spec.choose("burst-loss-5+g114-150"))


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
    assert capability.choose(spec.choose("burst-loss-5"), Executor.RELAY) is Executor.RELAY


def test_an_executor_that_is_wanted_and_does_not_work_here_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another one is not taken in its place."""
    monkeypatch.setattr(capability, "missing_for_wire", lambda: ["there is no /dev/net/tun"])
    with pytest.raises(UnavailableError, match="here: there is no /dev/net/tun"):
        capability.choose(spec.choose("burst-loss-5"), Executor.WIRE)
