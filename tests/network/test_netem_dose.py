"""The dose of netem from what `tc` says of its queues."""

import json
from pathlib import Path

import jsonschema
import pytest

from network import netem_tree, spec
from network.netem_dose import NetemDose
from network.profile import Direction, Leg

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "network.json").read_text())


def said(*queues: tuple[int, int, int], strangers: int = 0) -> str:
    """What `tc -s -j qdisc show` says of queues that sent, dropped and hold so many packets."""
    counts = {"bytes": 0, "overlimits": 0, "requeues": 0, "backlog": 0}
    lines = [
        {"kind": "mq", "handle": "1:", "root": True, "options": {}, "packets": 9, "drops": 9, "qlen": 9},
        {"kind": "clsact", "parent": "ffff:fff1", "packets": 0, "drops": strangers, "qlen": 0},
        {"kind": "pfifo", "parent": "1:1", "packets": 50, "drops": 0, "qlen": 0},
        *(
            {"kind": "netem", "parent": f"1:{number:x}", "packets": sent, "drops": dropped, "qlen": waiting}
            for number, (sent, dropped, waiting) in enumerate(queues, start=2)
        ),
    ]
    return json.dumps([line | counts for line in lines])


def dose(network: str, up: list[str]) -> NetemDose:
    """The dose of the callers' leg, of whose near device these are said in turn; the far one is silent."""
    profiles = spec.choose(network).legs[Leg.CALLER]
    queues = netem_tree.queues(Leg.CALLER, profiles)
    return NetemDose(
        Leg.CALLER, profiles, queues, lambda way: up.pop(0) if way is Direction.UP else said(strangers=1)
    )


def test_each_second_has_what_was_counted_since_the_last() -> None:
    """Summed over a profile's queues; what came is what left, what was dropped, and what has yet to leave."""
    found = dose(
        "burst-loss-5+g114-150",
        [said((90, 5, 5), (40, 0, 0)), said((190, 10, 0), (90, 5, 2), strangers=3)],
    )
    (first,) = found.take(1.0)
    assert (first["profile"], first["direction"], first["asked_loss"]) == ("burst-loss-5", "up", 0.05)
    assert (first["offered"], first["lost"], first["delivered"]) == (140, 5, 130)
    (second,) = found.take(2.0)
    assert (second["offered"], second["lost"], second["delivered"]) == (157, 10, 150)
    assert sum(found.strangers.values()) == 4
    for line in (first, second):
        jsonschema.validate({"unix": 1.0, "at_s": 1.0} | line, SCHEMA)


def test_a_second_without_packets_has_no_line() -> None:
    """As with every executor."""
    found = dose("g114-150", [said((10, 0, 0)), said((10, 0, 0))])
    assert len(list(found.take(1.0))) == 1
    assert not list(found.take(2.0))


@pytest.mark.parametrize(("duplicate", "offered"), [(0.1, None), (0.0, 10)])
def test_doubled_packets_cannot_be_told_from_others(
    duplicate: float, offered: int | None, tmp_path: Path
) -> None:
    """Then it is not known how many came; nor how late they were, ever."""
    path = tmp_path / "mine.toml"
    path.write_text(f'title = "A test"\nsource = "none"\n[both]\nduplicate = {duplicate}\n')
    (line,) = dose(str(path), [said((10, 0, 0))]).take(1.0)
    assert line["offered"] == offered
    assert line["late_ms"] == {"p50": None, "p99": None, "p999": None}
    jsonschema.validate({"unix": 1.0, "at_s": 1.0} | line, SCHEMA)
