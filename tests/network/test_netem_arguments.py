"""What of a profile the kernel's netem is asked for, tried on the real `tc`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from network import capability, language, netem_arguments, netem_jitter, spec
from network.emulation import Executor
from network.errors import CannotExpressError
from network.profile import Direction, Leg, Profile

UNKNOWN = (
    "Specified qdisc kind is unknown"  # what a kernel without netem says to arguments that tc has parsed
)


def profile(text: str) -> Profile:
    """A profile of these lines."""
    return language.parse(f'title = "A test"\nsource = "none"\n{text}', name="mine", origin="mine")


def arguments(text: str, *, leg: Leg = Leg.CALLER, packets_per_s: float = 100) -> str:
    """What netem is asked for to deliver a profile of these lines."""
    asked = netem_arguments.arguments(profile(text), Direction.UP, leg=leg, packets_per_s=packets_per_s)
    return " ".join(asked)


def refusal(netem: str, tables: Path) -> str:
    """What `tc` says against these arguments in a network namespace of its own."""
    command = "unshare --user --map-root-user --net tc qdisc add dev lo root netem"
    tried = subprocess.run(
        f"{command} {netem}".split(),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TC_LIB_DIR": str(tables)},
    )
    if "unshare" in tried.stderr:
        pytest.skip(f"no namespace to try it in: {tried.stderr}")
    return tried.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "limit 1000"),
        ("[up]\ndelay_ms = 150", "limit 1000 delay 150ms"),
        ("[up]\ndelay_ms = 40\njitter = { uniform_ms = 50, ordered = false }", "limit 1000 delay 65ms 25ms"),
        (
            "[up]\ndelay_ms = 40\njitter = { normal_ms = 5, ordered = false }",
            "limit 1000 delay 40ms 5ms distribution normal",
        ),
        (
            "[up]\ndelay_ms = 50\njitter = { exponential_ms = 12.8, ordered = false }",
            "limit 1000 delay 62.8ms 28.8ms distribution exponential",
        ),
        (
            "[up]\ndelay_ms = 40\njitter = { uniform_ms = 50 }",
            "limit 1000 delay 65ms 25ms rate 100gbit",
        ),
        ("[up]\nloss = { rate = 0.0005 }", "limit 1000 loss random 0.05%"),
        ("[up]\nloss = { rate = 1 }", "limit 1000 loss random 100%"),
        ("[up]\nloss = { rate = 0 }", "limit 1000"),
        ("[up]\nloss = { rate = 0.05, mean_burst = 5 }", "limit 1000 loss gemodel 1.0526316% 20%"),
        ("[up]\nduplicate = 0.01", "limit 1000 duplicate 1%"),
    ],
)
def test_what_netem_can_do_becomes_its_arguments(text: str, expected: str) -> None:
    """Shares in percent, jitter around its mean, order by a rate, bursts as steps of a Gilbert model."""
    assert arguments(text) == expected


def test_the_queue_holds_what_is_under_way() -> None:
    """10,000 packets a second at 200 ms need room for twice 2000, where netem's own limit is 1000."""
    assert arguments("[up]\ndelay_ms = 200", packets_per_s=10_000) == "limit 4000 delay 200ms"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[up]\njitter = { uniform_ms = 5, time_constant_ms = 9 }", "its correlation of delays shrinks"),
        ("[up]\njitter = { pareto_ms = 5, ordered = false }", "end before a Pareto jitter's tail does"),
        ("[up]\noutages = { per_s = 1, from_ms = 1, to_ms = 2 }", "it has no outages"),
        ("[up]\nrate_kbps = 500", "its queue is bounded in packets"),
        ("[up]\nslot_ms = 40", "its slots are of another kind"),
        ("[up]\nretransmission = { rate = 0.1, by_ms = 8 }", "it has no retransmission"),
        ("[up]\nreorder = { rate = 0.1, by_ms = 8 }", "skip the whole delay"),
        ("[up]\nduplicate = 0.1\nloss = { rate = 0.1 }", "both lost and doubled"),
        (
            "[up]\nduplicate = 0.1\njitter = { uniform_ms = 5, ordered = false }",
            "the two of a doubled packet",
        ),
        ("[up]\nmtu_bytes = 1200", "sizes and fragments"),
        ('[up]\nfragments = "drop"', "sizes and fragments"),
        ("[[window]]\n[window.up]\ndelay_ms = 3", "no windows of time or traffic"),
        ('scope = "shared"\n[up]\nloss = { rate = 0.05, mean_burst = 5 }', "spreads a burst over all flows"),
        ('scope = "shared"\n[down]\njitter = { uniform_ms = 5 }', "in order among all flows"),
    ],
)
def test_what_netem_does_otherwise_is_an_error_that_names_who_can(text: str, said: str) -> None:
    """Never an approximation."""
    with pytest.raises(CannotExpressError) as refused:
        arguments(text)
    assert said in str(refused.value)
    assert str(refused.value).endswith("The wire can")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[up]\nloss = { rate = 0.05, mean_burst = 5 }", "spreads a burst over all flows"),
        ("[up]\ndelay_ms = 40\njitter = { uniform_ms = 50 }", "in order among all flows"),
    ],
)
def test_what_hangs_on_the_packet_before_needs_a_link_of_each_caller(text: str, said: str) -> None:
    """An agent's calls share its address and so its queue, but each flow has its own losses and order."""
    assert arguments(text)
    with pytest.raises(CannotExpressError, match=f"on the leg agent .*{said}"):
        arguments(text, leg=Leg.AGENT)


def test_a_choice_is_checked_on_every_leg() -> None:
    """Each profile of the callers too."""
    capability.check(Executor.NETEM, spec.choose("burst-loss-5+g1050-a+volte-5qi1;agent=g114-150"))
    for network in ("burst-loss-5+starlink", "nat-rebind", "g114-150;agent=flap", "agent=burst-loss-5"):
        with pytest.raises(CannotExpressError, match="netem cannot deliver"):
            capability.check(Executor.NETEM, spec.choose(network))


@pytest.mark.skipif(
    shutil.which("tc") is None or shutil.which("unshare") is None,
    reason="there is no program tc or unshare: install iproute2 and util-linux",
)
@pytest.mark.parametrize(
    "text",
    [
        "[up]\ndelay_ms = 40\njitter = { uniform_ms = 50, ordered = false }\nloss = { rate = 0.0005 }",
        "[up]\ndelay_ms = 30\nloss = { rate = 0.05, mean_burst = 5 }",
        "[up]\ndelay_ms = 50\njitter = { exponential_ms = 12.8 }\nloss = { rate = 0.01 }",
        "[up]\nduplicate = 0.000123",
    ],
)
def test_tc_takes_the_arguments(text: str, tmp_path: Path) -> None:
    """It parses them before the kernel is asked, so this shows where there is no netem too."""
    netem_jitter.write(tmp_path)
    said = refusal(arguments(text), tmp_path)
    assert not said or UNKNOWN in said
    assert "loss" in refusal("loss gemodel oops", tmp_path)
    assert "foo" in refusal("delay 40ms 5ms distribution foo", tmp_path)
