"""What of a profile the kernel's netem is asked for, tried on the real `tc`."""

import shutil

import pytest

from network import language, netem
from network.errors import CannotExpressError
from network.profile import Direction, Profile

UNKNOWN = (
    "Specified qdisc kind is unknown"  # what a kernel without netem says to arguments that tc has parsed
)


def profile(text: str) -> Profile:
    """A profile of these lines."""
    return language.parse(f'title = "A test"\nsource = "none"\n{text}', name="mine", origin="mine")


def arguments(text: str, *, packets_per_s: float = 100) -> str:
    """What netem is asked for to deliver a profile of these lines."""
    return " ".join(netem.arguments(profile(text), Direction.UP, packets_per_s=packets_per_s))


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
        ("[up]\nloss = { rate = 0.0005 }", "limit 1000 loss random 0.05%"),
        ("[up]\nloss = { rate = 1 }", "limit 1000 loss random 100%"),
        ("[up]\nloss = { rate = 0 }", "limit 1000"),
        ("[up]\nloss = { rate = 0.05, mean_burst = 5 }", "limit 1000 loss gemodel 1.0526316% 20%"),
        ("[up]\nduplicate = 0.01", "limit 1000 duplicate 1%"),
    ],
)
def test_what_netem_can_do_becomes_its_arguments(text: str, expected: str) -> None:
    """Shares in percent, uniform jitter around its mean, bursts as transitions of a Gilbert model."""
    assert arguments(text) == expected


def test_the_queue_holds_what_is_under_way() -> None:
    """10,000 packets a second at 200 ms need room for twice 2000, where netem's own limit is 1000."""
    assert arguments("[up]\ndelay_ms = 200", packets_per_s=10_000) == "limit 4000 delay 200ms"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[up]\njitter = { uniform_ms = 5 }", "write ordered = false"),
        ("[up]\njitter = { uniform_ms = 5, time_constant_ms = 9 }", "its correlation of delays shrinks"),
        ("[up]\njitter = { exponential_ms = 5, ordered = false }", "it has no exponential jitter"),
        ("[up]\njitter = { pareto_ms = 5, ordered = false }", "ends at four deviations"),
        ("[up]\noutages = { per_s = 1, from_ms = 1, to_ms = 2 }", "it has no outages"),
        ("[up]\nrate_kbps = 500", "its queue is bounded in packets"),
        ("[up]\nslot_ms = 40", "its slots are of another kind"),
        ("[up]\nretransmission = { rate = 0.1, by_ms = 8 }", "it has no retransmission"),
        ("[up]\nreorder = { rate = 0.1, by_ms = 8 }", "skip the whole delay"),
        ("[up]\nduplicate = 0.1\nloss = { rate = 0.1 }", "both lost and doubled"),
        ("[up]\nmtu_bytes = 1200", "sizes and fragments"),
        ('[up]\nfragments = "drop"', "sizes and fragments"),
        ("[[window]]\n[window.up]\ndelay_ms = 3", "no windows of time or traffic"),
        ('scope = "shared"\n[up]\nloss = { rate = 0.05, mean_burst = 5 }', "spreads a burst over all flows"),
    ],
)
def test_what_netem_does_otherwise_is_an_error_that_names_who_can(text: str, said: str) -> None:
    """Never an approximation."""
    with pytest.raises(CannotExpressError) as refused:
        arguments(text)
    assert said in str(refused.value)
    assert str(refused.value).endswith("The wire can")


@pytest.mark.skipif(
    shutil.which("tc") is None or shutil.which("unshare") is None,
    reason="there is no program tc or unshare: install iproute2 and util-linux",
)
@pytest.mark.parametrize(
    "text",
    [
        "[up]\ndelay_ms = 40\njitter = { uniform_ms = 50, ordered = false }\nloss = { rate = 0.0005 }",
        "[up]\ndelay_ms = 30\nloss = { rate = 0.05, mean_burst = 5 }",
        "[up]\nduplicate = 0.000123",
    ],
)
def test_tc_takes_the_arguments(text: str) -> None:
    """It parses them before the kernel is asked, so this shows where there is no netem too."""
    refusal = netem.refused(arguments(text).split())
    if refusal is not None and "unshare" in refusal:
        pytest.skip(f"no namespace to try it in: {refusal}")
    assert refusal is None or UNKNOWN in refusal
    assert "loss" in (netem.refused(["loss", "gemodel", "oops"]) or "")


def test_what_is_missing_for_netem_is_said() -> None:
    """Nothing, or a sentence with its remedy."""
    assert all("tc" in sentence or "sch_netem" in sentence for sentence in netem.missing())
