"""Which recorded run goes through which notebook, and what there is to see in it."""

from dataclasses import dataclass
from pathlib import Path

RUNS = Path(__file__).parent / "runs"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the gallery."""

    name: str
    notebook: str
    runs: tuple[str, ...]
    shows: str


PAGES = (
    Page(
        "founding",
        "comparison",
        ("founding",),
        "The founding case: 30 % of the filter's set-ups hang, without a limit and with one.",
    ),
    Page("founding-calls", "worst_calls", ("founding",), "Its worst calls, step by step."),
    Page("same", "comparison", ("same",), "The same build under two names: what chance alone does."),
    Page(
        "two-networks",
        "network",
        ("two-networks",),
        "Half of the calls on a clean network, half over congested Wi-Fi.",
    ),
    Page("single", "single", ("single",), "One build, whose set-ups are sometimes slow."),
    Page(
        "history",
        "history",
        ("release-1", "release-2"),
        "One build before and after livekit-agents and the SDK below it were updated.",
    ),
    Page(
        "capacity",
        "capacity",
        ("capacity",),
        "How many calls a second are carried before callers notice, and what more than that does.",
    ),
    Page("not-valid", "comparison", ("not-valid",), "The tester was short of slots, so nothing is decided."),
    Page("cut", "comparison", ("cut",), "A run that was cut in the middle."),
    Page("all-unanswered", "comparison", ("all-unanswered",), "No call was answered at all."),
)
