"""Facts about a lab whose network is emulated: what it announces, when it begins, and what is left of it."""

import json
import os
import time
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest

from network import capability, language, spec
from network.emulation import Executor
from network.profile import Leg
from tests.locust_command import LocustCommand, assert_all_gone
from tests.system.labs import Running, all_end_within, is_answered, lab

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        bool(capability.missing(Executor.WIRE)), reason="; ".join(capability.missing(Executor.WIRE))
    ),
]

SCHEMA = Path(__file__).parents[2] / "schemas" / "network.json"
ARGUMENTS = ("--json", "--arms", "bounded", "--idle-processes", "1")
EVERYWHERE = "caller=clean+g114-150;agent=g114-150;settings=g114-150"


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The lines of one kind in the folder's dose."""
    written = (json.loads(line) for line in (folder / "network.jsonl").read_text().splitlines())
    return [line for line in written if line["kind"] == kind]


def within(announced: dict[str, Any]) -> list[str]:
    """What takes a program to where the callers of a lab are."""
    return ["nsenter", f"--net={announced['network']['namespace']['network']}"]


def _namespace(pid: int) -> str | None:
    """The network namespace of a process, None where that is gone or somebody else's."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return None


def begun(running: Running) -> dict[str, Any]:
    """Have the profiles put on."""
    assert running.process.stdin is not None
    running.process.stdin.write("begin\n")
    running.process.stdin.flush()
    return running.line(timeout_s=20)


def test_a_lab_on_a_network_has_each_leg_degraded_and_measured(tmp_path: Path) -> None:
    """Two calls under two profiles are answered, later where they must be, and each leg carries packets."""
    with lab(tmp_path, *ARGUMENTS, "--network", EVERYWHERE) as running:
        announced = running.line()
        network = announced["network"]
        before_s = time.monotonic()
        began = begun(running)
        for profile in network["profiles"]:
            is_answered(announced, "bounded", tmp_path, source=profile["first"], within=within(announced))
        family = running.family()
        assert running.end() == 0

    assert (network["executor"], network["ports"]) == ("wire", None)
    assert [each["name"] for each in network["profiles"]] == [
        "agent=g114-150;settings=g114-150",
        "g114-150;agent=g114-150;settings=g114-150",
    ]
    assert began["event"] == "began"
    assert before_s <= began["monotonic"] <= time.monotonic()
    schema = json.loads(SCHEMA.read_text())
    legs = lines(tmp_path, "leg")
    for line in legs:
        jsonschema.validate(line, schema)
    assert {(line["leg"], line["profile"]) for line in legs} == {
        ("caller", "clean"), ("caller", "g114-150"), ("agent", "g114-150"), ("settings", "g114-150"),
    }  # fmt: skip
    assert {line["leg"] for line in lines(tmp_path, "probe")} == {"caller", "agent", "settings"}
    connecting_s = [
        event["duration_s"]
        for event in map(json.loads, (tmp_path / "agent-events.jsonl").read_text().splitlines())
        if (event["event"], event["name"]) == ("span_ended", "room_connect")
    ]
    # The set-up of the filter alone is two round trips of 0.3 s, before the room's own.
    assert min(connecting_s) > 0.6
    assert all_end_within(family, 0)


def test_a_lab_tells_of_its_network_when_that_dies_and_leaves_nothing_when_it_is_killed(
    tmp_path: Path,
) -> None:
    """The event is like any other part's, and the namespaces go with the last process in them."""
    with lab(tmp_path, *ARGUMENTS, "--network", "g114-150") as running:
        running.line()
        family = running.family()
        namespaces = {_namespace(process.pid) for process in family}
        assert len(namespaces) >= 3  # the network's own process is where it was started

        next(process for process in family if process.cmdline()[1:3] == ["-m", "network.wire"]).kill()
        died = running.line(timeout_s=20)
        running.process.kill()

        assert all_end_within(family, 10)
        assert not (namespaces - {_namespace(os.getpid())}) & set(map(_namespace, psutil.pids()))
    assert (died["event"], died["process"]) == ("died", "network")
    assert "was ended by SIGKILL" in died["error"]


@pytest.mark.slow
def test_a_relay_needs_no_namespaces(tmp_path: Path) -> None:
    """The trunk is called by its alias from a caller's address, and answers there."""
    arguments = ("--network", "g114-150", "--network-executor", "relay")
    with lab(tmp_path, *ARGUMENTS, *arguments) as running:
        announced = running.line()
        begun(running)
        network = announced["network"]
        assert (network["executor"], network["namespace"]) == ("relay", None)
        assert network["ports"]["sip"]
        running.end()

    assert {line["profile"] for line in lines(tmp_path, "probe")} == {"g114-150"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--network", "moon"), "--network cannot be 'moon': there is no network profile 'moon'"),
        (
            ("--network", "agent=flap", "--network-executor", "relay"),
            "a relay cannot put flap on the leg agent",
        ),
        (("--network", "settings=flap", "--arms", "vendor-0.2.6"), "is not on the leg settings"),
    ],
)
def test_a_network_that_cannot_be_is_refused_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Exit code 2, in one sentence; no folder is made."""
    with lab(tmp_path / "run", "--json", *arguments) as running:
        line = running.line()

        assert said in line["error"]
        assert running.process.wait(timeout=10) == 2
        assert not (tmp_path / "run").exists()


def test_calls_fare_as_the_network_that_they_drew(locust_command: LocustCommand) -> None:
    """Half of the calls ring a round trip of 0.3 s later; the report tells both networks, and the dose."""
    locust_command.start(
        *("--network", "clean+g114-150", "--arms", "none", "--livekit-sip", "embedded"),
        *("--calls", "8", "--calls-per-second", "0.75", "--arrivals", "constant", "--warm-up", "0"),
        *("--hold", "1", "--ring-timeout", "20", "--seed", "3", "--no-report"),
    )
    exit_code, output = locust_command.end(timeout_s=250)
    folder = locust_command.folder()

    assert_all_gone(locust_command.relatives())
    assert "Traceback" not in output
    rang_after_s: dict[str, list[float]] = {"clean": [], "g114-150": []}
    for record in locust_command.records():
        assert record["outcome"] == "answered", record
        rang_after_s[record["profile"]].append(record["ringing_s"] - record["invite_s"])
    assert len(rang_after_s["clean"]) == len(rang_after_s["g114-150"]) == 4
    assert min(rang_after_s["g114-150"]) > 0.3
    assert sorted(rang_after_s["clean"])[1] < 0.3  # of four; the machine may be busy
    described = json.loads((folder / "run.json").read_text())["network"]
    assert (described["executor"], described["labels"]) == ("wire", ["clean", "g114-150"])
    summary = json.loads((folder / "summary.json").read_text())
    assert exit_code == summary["exit_code"]
    assert {label: one["arms"]["none"]["answered"] for label, one in summary["profiles"].items()} == {
        "clean": 4,
        "g114-150": 4,
    }


CATALOGUE = [name for name in language.names() if name != spec.CLEAN]


# What the catalogue expects is of the leg that a profile is for; on another one it can be the end of calls.
ELSEWHERE = {
    (Leg.CALLER, "udp-blocked"): "no_response",  # SIP over UDP
    (Leg.AGENT, "mtu-1200"): "unanswered",  # TCP's segments are of 1500 bytes, and nothing tells it
}


def as_expected(records: list[dict[str, Any]], leg: Leg, name: str) -> bool:
    """Whether 19 of 20 calls ended as they should, or most where a profile says that calls suffer."""
    outcome = ELSEWHERE.get((leg, name), language.load(name).expect)
    share = [record["outcome"] for record in records].count(outcome) / len(records)
    return share >= (0.95 if language.load(name).voice else 0.5)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("names", [CATALOGUE[first::4] for first in range(4)], ids="+".join)
def test_callers_are_answered_on_every_network_of_the_catalogue(
    locust_command: LocustCommand, names: list[str]
) -> None:
    """20 calls under each, 19 of them as its profile says: SIP repeats what is lost, if UDP passes at all."""
    locust_command.start(
        *("--network", f"caller={'+'.join(names)}", "--arms", "bounded", "--livekit-sip", "embedded"),
        *("--calls", str(20 * len(names)), "--calls-per-second", "0.4", "--arrivals", "constant"),
        *("--warm-up", "0", "--hold", "4", "--seed", "7"),
    )
    locust_command.end(timeout_s=800)

    records = locust_command.records()
    for name, label in zip(names, spec.choose(f"caller={'+'.join(names)}").labels, strict=True):
        calls = [record for record in records if record["profile"] == label]
        assert len(calls) == 20
        assert as_expected(calls, Leg.CALLER, name), (name, calls)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CATALOGUE)
def test_agents_answer_on_every_network_of_the_catalogue(locust_command: LocustCommand, name: str) -> None:
    """20 calls, 19 of them as the profile says: WebRTC finds its way, over TCP where it must."""
    locust_command.start(
        *("--network", f"agent={name}", "--arms", "bounded", "--livekit-sip", "embedded"),
        *("--calls", "20", "--calls-per-second", "0.4", "--arrivals", "constant"),
        *("--warm-up", "0", "--hold", "4", "--seed", "7"),
    )
    locust_command.end(timeout_s=280)

    records = locust_command.records()
    assert len(records) == 20
    assert as_expected(records, Leg.AGENT, name), records
