"""The words of a report: each explained where it stands, and all of them at the end of the page."""

from collections.abc import Mapping

from analysis.run import Run
from analysis.steps import CapacityPlan
from analysis.wording import number


def glossary_of(run: Run) -> Mapping[str, str]:
    """What each word means in this run, in the order of a reader's need."""
    tau = number(run.tau_s)
    words = {} if run.capacity is None else _of_a_search(run.capacity)
    return words | {
        "arm": (
            "One of the builds compared; calls are dealt to the arms by permuted blocks, so they share "
            f"clock, trunk and machine. The first is the reference, the one judged is {run.candidate}."
        ),
        "ring-to-answer": "From the first 18x to the 200: how long the caller hears it ring.",
        "not answered": (
            "Every attempt without a 200 within the ring timeout, except what the tester itself failed at."
        ),
        "ring timeout, τ": f"{tau} s from the first ring; then the caller hangs up.",
        "mean ring within τ": (
            "Restricted mean survival time (RMST): what a caller waits on average, counting at most τ, "
            "unanswered calls included."
        ),
        "interval": (
            "Two-sided 95 %: in 95 of 100 such runs it holds the true figure. Exact for shares and "
            "percentiles, whatever the distribution."
        ),
        "p": (
            "How often arms that do not differ would show at least this difference by chance; below 0.05 it "
            "is taken for shown."
        ),
        "smallest difference": "The smallest true difference that such a run finds four times out of five.",
        "agent connect latency": (
            "From the agent's joining the room to its first audio track: holds the wait for the connect "
            "callback, and so for audio filters being set up."
        ),
        "caller's wait": "From the moment the call was due to the first audible sound.",
        "greeting latency": "From the 200 to the first audible sound, by energy.",
        "post-dial delay": "From the INVITE to the first ring (RFC 6076 SRD).",
        "outcome": (
            "answered; unanswered: rang until τ; agent failed: 480, 486 or 600 after ringing; overloaded: "
            "500, 503, 504; trunk limit: quota; misconfigured: other refusals; no response: neither ring nor "
            "answer; tester failed: never the system's fault."
        ),
        "gate": (
            "A limit that the candidate has to keep, by a one-sided 95 % bound: passed where the bound "
            "keeps it, failed where the opposite bound breaks it, else undecided."
        ),
        "MOS": "How good voice sounds by the E-model (ITU-T G.107): 1 bad, 4.5 best.",
        **_of_what_was_heard(run),
        "network": (
            "What stood between callers, trunk, agents and the audio filter's endpoint: a profile of delays, "
            "losses and outages on each leg, drawn for each call where there are several."
        ),
        "dose": "What the network did to packets, beside what it was asked to do.",
        "dial lag": "How much later than it was due a call left: the tester's own lateness.",
        "mistreated set-up": "A request of the agent's audio filter that was mistreated on purpose.",
    }


def _of_what_was_heard(run: Run) -> dict[str, str]:
    if run.calls["heard_phrases"].isna().all():
        return {}
    return {
        "response": (
            "From the end of a phrase of the caller's to the agent's next audible sound, the slowest of each "
            "call; a phrase without an answer waits for ever."
        ),
        "went silent": (
            "The agent was heard, was then spoken to, and had owed an answer for 5 s or more as the call "
            "ended. A server keeps such a call up and sends silence."
        ),
        "one-way audio": "Answered, and no packet or no audible sound ever came.",
        "talk-over": "The share of the time from answer to hang-up in which both were audible at once.",
        "clipped": "The share of the agent's audible frames whose samples reach the end of their range.",
    }


def _of_a_search(plan: CapacityPlan) -> dict[str, str]:
    load = "calls a second" if plan.axis == "rate" else "calls up at once"
    return {
        "capacity": (
            f"The load, in {load}, at which callers begin to notice: between the highest that passed the "
            "search gate and the lowest that failed it."
        ),
        "step": "A stretch of calls at one load, long enough to decide whether it passes.",
        "search gate": (
            f"What a load has to keep to pass while it is searched for: {', '.join(plan.search_gate)}. A "
            "percentile is read as a share: p95 ≤ 3 s says that at most 5 % of calls take longer."
        ),
        "confirming hold": "The highest load that passed, held for long enough to judge the gates.",
        "cold burst": "So many calls due at one instant on a deployment that had none before.",
        "shed test": "150 % of the load that was held, for a while, and then that load again.",
    }
