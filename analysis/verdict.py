"""May it be released: the verdict of the gates and checks, in one word and in one sentence."""

from collections.abc import Mapping, Sequence

from analysis.compare import ALPHA, Comparison, Effect
from analysis.gate_name import read
from analysis.gates import Gate, Verdict
from analysis.validity import Check
from analysis.wording import count, listed, number, p_value, quantity


def verdict_of(gates: Sequence[Gate], validity: Sequence[Check]) -> Verdict:
    """A tester that fell short decides nothing; else one failed gate fails, one undecided leaves it open."""
    if not all(check.ok for check in validity):
        return Verdict.NOT_VALID
    if any(gate.verdict is Verdict.FAILED for gate in gates):
        return Verdict.FAILED
    if not gates or any(gate.verdict is Verdict.UNDECIDED for gate in gates):
        return Verdict.UNDECIDED
    return Verdict.PASSED


def sentence(
    verdict: Verdict,
    candidate: str,
    gates: Sequence[Gate],
    validity: Sequence[Check],
    networks: Mapping[str, Sequence[Gate]],
) -> str:
    """What a release manager reads first; `networks` are the same gates under each network alone."""
    said = _sentence(verdict, candidate, gates, validity)
    apart = [] if verdict is Verdict.NOT_VALID else networks_apart(networks)
    return " ".join([said, *apart[:1]])


def gates_apart(networks: Mapping[str, Sequence[Gate]]) -> dict[str, dict[Verdict, list[str]]]:
    """The gates that are broken under some networks and not under others, with the networks by verdict."""
    by_gate: dict[str, dict[Verdict, list[str]]] = {}
    for label, gates in networks.items():
        for gate in gates:
            by_gate.setdefault(gate.name, {}).setdefault(gate.verdict, []).append(label)
    return {name: found for name, found in by_gate.items() if Verdict.FAILED in found and len(found) > 1}


def networks_apart(networks: Mapping[str, Sequence[Gate]]) -> list[str]:
    """The same, each gate in a sentence."""
    words = {Verdict.FAILED: "broken", Verdict.PASSED: "kept", Verdict.UNDECIDED: "not decided"}
    return [
        f"By network the gate on {read(name).label} is "
        + listed(
            [f"{word} under {listed(found[verdict])}" for verdict, word in words.items() if verdict in found]
        )
        + "."
        for name, found in gates_apart(networks).items()
    ]


def _sentence(verdict: Verdict, candidate: str, gates: Sequence[Gate], validity: Sequence[Check]) -> str:
    if verdict is Verdict.NOT_VALID:
        broken = [check for check in validity if not check.ok]
        first = broken[0]
        value = "not known" if first.value is None else number(first.value)
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        short = f"{first.name}: {value} (limit {number(first.limit)}){more}"
        return f"Not valid, so it decides nothing: {short}. {first.remedy}"
    if verdict is Verdict.FAILED:
        failed = [gate for gate in gates if gate.verdict is Verdict.FAILED]
        return f"Do not release {candidate}: {'; '.join(reading(gate) for gate in failed)}."
    if verdict is Verdict.UNDECIDED:
        return f"Not decided for {candidate}: {_open(gates)}"
    first_gate, *others = gates
    kept = (
        f"the gate is kept ({reading(first_gate)})"
        if not others
        else f"all {len(gates)} gates are kept ({reading(first_gate)})"
    )
    return f"{candidate} may be released: {kept}."


def reading(gate: Gate) -> str:
    """One gate in words: its value, how sure, and what is allowed."""
    name = gate.read
    value = "no end seen" if gate.value is None else quantity(gate.value, name.unit)
    if gate.n == 0:
        value = "not measured"
    side = "at least" if gate.bound == gate.low else "at most"
    allowed = f"{name.sign} {quantity(gate.limit, name.unit)} allowed"
    sure = "" if gate.bound is None else f", {side} {quantity(gate.bound, name.unit)} with 95 % confidence"
    return f"{gate.title} {value}{sure}, {allowed}, n = {gate.n}"


def comparison_sentence(comparison: Comparison, tau_s: float) -> str:
    """What the comparison of two arms shows, or that it shows nothing and what it could have shown."""
    arms = f"{comparison.candidate} against {comparison.reference}"
    ring, missed = comparison.delta_rmst_s, comparison.delta_not_answered
    if ring.value is None or missed.value is None:
        return f"{arms}: nothing to compare, for no block holds calls of both."
    rang = _change(ring, 1, "s", "less", "more")
    lost = _change(missed, 100, "of 100 calls", "fewer", "more")
    sizes = f"callers rang {rang} on average in the first {number(tau_s)} s, and {lost} were not answered"
    if not comparison.randomised:
        return f"{arms}, at different times and so not randomised: {sizes}."
    if comparison.shown:
        return f"{arms}: a difference is shown; {sizes}."
    least = comparison.smallest_detectable
    could = (
        "with fewer than six blocks none could be"
        if least.rmst_s is None or least.not_answered is None
        else f"this run would have found {number(least.rmst_s)} s "
        f"or {number(100 * least.not_answered)} of 100 calls four times out of five"
    )
    aside = ""
    if missed.p is not None and missed.p < ALPHA:
        aside = (
            f" Calls not answered differ by themselves ({p_value(missed.p)}), but were to be tested second."
        )
    return f"{arms}: no difference shown ({could}); {sizes}.{aside}"


def _change(effect: Effect, scale: float, unit: str, less: str, more: str) -> str:
    """The effect as people say it, with its interval in the effect's own sign and the adjusted p."""
    value = 0.0 if effect.value is None else effect.value * scale
    low, high = (effect.low or 0.0) * scale, (effect.high or 0.0) * scale
    chance = "" if effect.p_adjusted is None else f", {p_value(effect.p_adjusted)}"
    way = less if value < 0 else more
    return f"{number(abs(value))} {unit} {way} ({_signed(low)} to {_signed(high)}{chance})"


def _signed(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def _open(gates: Sequence[Gate]) -> str:
    undecided = [gate for gate in gates if gate.verdict is Verdict.UNDECIDED]
    if not undecided:
        return "no gate could be judged."
    names = ", ".join(gate.title for gate in undecided)
    needed = [gate.n_needed for gate in undecided if gate.n_needed is not None]
    short = [gate for gate in undecided if gate.n_needed is not None and gate.n < gate.n_needed]
    n = max(gate.n for gate in undecided)
    if short and len(short) == len(undecided):
        enough = f"{max(needed)} calls in that arm, all clean, would do"
        return f"{count(n, 'call')} are too few for {names}; {enough}."
    return (
        f"{names}: neither shown to be kept nor to be broken by {count(n, 'call')}; more calls could decide."
    )
