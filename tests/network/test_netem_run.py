"""When netem carries out a run, what it lacks, and how many callers it has room for; no kernel needed."""

import platform
import shutil

import pytest

from network import capability, spec
from network.emulation import Executor
from network.errors import UnavailableError
from network.netem_run import Netem, missing_for_netem
from network.topology import MOST_CALLERS


def test_netem_is_taken_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It draws anew at each run, which nobody should get unasked."""
    choice = spec.choose("burst-loss-5")
    monkeypatch.setattr(capability, "missing_for_wire", lambda: ["there is no /dev/net/tun"])
    monkeypatch.setattr(capability, "missing_for_netem", list)
    assert capability.choose(choice, Executor.NETEM) is Executor.NETEM
    assert capability.choose(choice) is Executor.RELAY


def test_a_kernel_without_netem_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it lacks; no other executor is taken in its place."""
    monkeypatch.setattr(capability, "missing_for_netem", lambda: ["tc refused: no netem"])
    with pytest.raises(UnavailableError, match=r"netem cannot deliver .* here: tc refused"):
        capability.choose(spec.choose("burst-loss-5"), Executor.NETEM)


def test_an_older_kernel_and_missing_programs_are_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 5.18 a filter's choice of the queue did not hold on the way out."""
    monkeypatch.setattr(platform, "release", lambda: "5.15.0-91-generic")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert missing_for_netem() == [
        "there is no program ip: install iproute2",
        "there is no program tc: install iproute2",
        "the kernel is 5.15.0-91-generic: netem here takes 5.18 or later",
    ]


def test_there_are_callers_for_as_many_queues_as_there_are() -> None:
    """A block for each label of the choice, as over the wire."""
    callers = Netem("burst-loss-5+g114-150", seed=1).callers
    assert [(each.label, str(each.first), each.count) for each in callers] == [
        ("burst-loss-5", "198.18.64.1", 500),
        ("g114-150", "198.18.72.1", MOST_CALLERS),
    ]
