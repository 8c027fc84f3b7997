"""The proof of the dose: each way in which a network can have been another one than was asked for."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.delivery import deliveries
from analysis.load import load
from analysis.proof import marked, proofs
from analysis.run import Run
from analysis.summary import summarise
from analysis.verdict import Verdict

NETWORKS = ("clean", "burst-loss-5")
SILENT = "network executor silent while calls were up"
UNREAD = "packets the network executor was too slow to read"
LATE = "share of packets more than 2 ms late in the network"
FATE = "share of probes that met another fate than the network's"
DELAY = "delay in the network off what was asked"
LOSS = "loss in the network off what was asked"


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    """A run of 40 calls under two networks that were delivered as asked for, of about 100 seconds."""
    return make_run(calls=40, networks=NETWORKS)


def _with(run: Run, **tables: pd.DataFrame) -> Run:
    return dataclasses.replace(run, doses=(dataclasses.replace(run.doses[0], **tables),))


def _broken(run: Run) -> list[str]:
    return [
        check.name.split(", at least")[0].split(", ")[0]
        for check in proofs(run, deliveries(run))
        if not check.ok
    ]


def _changed(table: pd.DataFrame, where: pd.Series, **values: float) -> pd.DataFrame:
    changed = table.copy()
    for name, value in values.items():
        changed.loc[where, name] = value
    return changed


def _at(table: pd.DataFrame, profile: str, direction: str) -> pd.Series:
    return (table["profile"] == profile) & (table["direction"] == direction)


def test_a_dose_that_was_delivered_breaks_no_check(run: Run) -> None:
    """All checks are there, are ok and have a remedy; every place is marked as asked for."""
    found = proofs(run, deliveries(run))
    assert [check.name.split(",")[0] for check in found] == [SILENT, UNREAD, LATE, FATE, DELAY, LOSS]
    assert all(check.ok and check.remedy for check in found)
    assert [(each.profile, each.direction, each.as_asked) for each in marked(deliveries(run))] == [
        ("clean", "up", True),
        ("clean", "down", True),
        ("burst-loss-5", "up", True),
        ("burst-loss-5", "down", True),
    ]


def test_an_executor_that_falls_silent_breaks_its_check(run: Run) -> None:
    """More than 3 s without a line are too many, less are not; what is before the calls does not count."""
    pulse = run.doses[0].pulse
    begun = pulse["unix"].iloc[30]
    after = pulse["unix"] - begun
    assert _broken(_with(run, pulse=pulse[~after.between(0, 1.5)])) == []
    assert _broken(_with(run, pulse=pulse[~after.between(0, 2.5)])) == [SILENT]
    early = pulse["unix"] < run.calls["due_at_s"].min() + run.started_unix
    assert _broken(_with(run, pulse=pulse[~early])) == []


def test_packets_that_were_not_read_break_their_check(run: Run) -> None:
    """One is too many: nobody knows what the network would have done to it."""
    pulse = run.doses[0].pulse
    assert _broken(_with(run, pulse=pulse.assign(unread=(pulse["at_s"] > 50).astype(float)))) == [UNREAD]


def test_an_executor_that_is_late_breaks_its_check_and_a_bad_second_does_not(run: Run) -> None:
    """Late in a third of the seconds it is no dose; late in one second of a hundred it is."""
    legs = run.doses[0].legs
    late = {"late_ms_p50": 5.0, "late_ms_p99": 9.0, "late_ms_p999": 9.5}
    assert _broken(_with(run, legs=_changed(legs, legs["at_s"] == 40, **late))) == []
    third = _with(run, legs=_changed(legs, legs["at_s"] % 3 == 0, **late))
    assert _broken(third) == [LATE]
    assert not any(each.as_asked for each in marked(deliveries(third)))


def test_a_late_packet_among_few_is_no_proof(run: Run) -> None:
    """Two of the 30 packets of a quiet leg were late: its share is not shown to be above one in a hundred."""
    quiet = run.doses[0].legs.iloc[:3].assign(leg="settings", delivered=10.0, offered=10.0)
    quiet.loc[quiet.index[1], ["late_ms_p99", "late_ms_p999"]] = 40.0
    legs = pd.concat([run.doses[0].legs, quiet.assign(unix=run.doses[0].legs["unix"].iloc[90])])
    assert _broken(_with(run, legs=legs)) == []


def test_probes_that_met_another_fate_break_their_check_and_name_their_place(run: Run) -> None:
    """A probe in fifty is too many, one of a thousand is the edge of a window."""
    probes = run.doses[0].probes
    down = _at(probes, "burst-loss-5", "down")
    assert _broken(_with(run, probes=_changed(probes, down & (probes["at_s"] == 40), not_as_asked=1))) == []
    wrong = _with(run, probes=_changed(probes, down & (probes["at_s"] % 5 == 0), not_as_asked=1))
    (found,) = [check for check in proofs(wrong, deliveries(wrong)) if not check.ok]
    assert found.name == f"{FATE}, at least (leg caller, burst-loss-5, down)"
    assert [each.as_asked for each in marked(deliveries(wrong))] == [True, True, True, False]


def test_behind_a_full_queue_the_number_lost_counts(run: Run) -> None:
    """Other probes are lost than in the model, but as many, or more by the queue's own share: as asked."""
    dose, place = run.doses[0], ("burst-loss-5", "up")
    legs = _changed(dose.legs, _at(dose.legs, *place), queue_full=5.0)
    other = _changed(dose.probes, _at(dose.probes, *place), not_as_asked=2.0)
    assert _broken(_with(run, probes=other)) == [FATE]
    assert _broken(_with(run, legs=legs, probes=other)) == []
    fewer = _changed(other, _at(other, *place), lost_asked=2.0)
    assert _broken(_with(run, legs=legs, probes=fewer)) == [FATE]


def test_a_loss_that_is_not_the_profiles_breaks_its_check(run: Run) -> None:
    """Nothing lost, and twice the loss, where 5 % were asked for; a tenth more is chance."""
    legs = run.doses[0].legs
    up = _at(legs, "burst-loss-5", "up")
    for lost in (0.0, 10.0):
        assert _broken(_with(run, legs=_changed(legs, up, lost=lost))) == [LOSS]
    assert _broken(_with(run, legs=_changed(legs, up & (legs["at_s"] % 2 == 0), lost=6.0))) == []


def test_outages_that_came_more_often_than_on_average_are_chance(run: Run) -> None:
    """Three whole seconds were lost of a hundred where 5 % of packets were asked for: seconds differ so."""
    legs = run.doses[0].legs
    up = _at(legs, "burst-loss-5", "up")
    away = _changed(legs, up & legs["at_s"].isin([20, 40, 60]), outage=100.0, lost=0.0)
    assert deliveries(_with(run, legs=away))[2].loss == pytest.approx(0.078, abs=0.01)
    assert _broken(_with(run, legs=away)) == []


def test_a_loss_that_was_to_change_is_left_to_the_probes(run: Run) -> None:
    """With windows the share asked of voice is not that of all packets, so it is not held against them."""
    legs = run.doses[0].legs
    up = _at(legs, "burst-loss-5", "up")
    windows = _changed(legs, up & (legs["at_s"] % 10 < 3), asked_loss=1.0)
    assert _broken(_with(run, legs=windows)) == []


def test_what_netem_does_not_tell_is_taken_from_its_probes(run: Run) -> None:
    """Without lateness, bursts and fates the loss and the mean delay of probes are what is judged."""
    dose = run.doses[0]
    untold = [name for name in dose.legs if name.startswith(("delay_ms", "late_ms"))]
    legs = dose.legs.assign(**dict.fromkeys([*untold, "queue_full", "bursts", "reordered"], float("nan")))
    asked_ms = dose.probes["profile"].map({"clean": 0.0, "burst-loss-5": 30.0})
    probes = dose.probes.assign(
        not_as_asked=float("nan"), delay_ms_asked_mean=asked_ms, delay_ms_asked_deviation=0.0,
        delay_ms_mean=asked_ms + 0.5, delay_ms_deviation=0.1,
        lost=(dose.probes["profile"] != "clean") * (dose.probes["at_s"] % 2),
    )  # fmt: skip
    assert _broken(_with(run, legs=legs, probes=probes)) == []
    assert [each.delay_ms for each in deliveries(_with(run, legs=legs, probes=probes))][2] == pytest.approx(
        30.5
    )
    down = _at(probes, "burst-loss-5", "down")
    assert _broken(_with(run, legs=legs, probes=_changed(probes, down, delay_ms_mean=0.1))) == [DELAY]
    assert _broken(_with(run, legs=legs, probes=_changed(probes, down, lost=0.0))) == [LOSS]


def test_a_run_without_an_executor_has_no_dose_to_prove(make_run: Callable[..., Run]) -> None:
    """run.json of a clean run, or of an old one, says nothing of labels, and nothing is asked of it."""
    run = make_run(calls=4)
    assert proofs(run, deliveries(run)) == []
    assert summarise(run).network is None
    assert run.labels == ("clean",)


def _lines(folder: Path, change: Callable[[list[str]], list[str]]) -> Run:
    path = folder / "network.jsonl"
    path.write_text("\n".join(change(path.read_text().splitlines())))
    return load(folder)


def test_an_executor_that_left_nothing_makes_the_run_not_valid(write_run: Callable[..., Path]) -> None:
    """A missing file, and an empty one, are an executor that was silent all the time."""
    folder = write_run(calls=40, networks=NETWORKS)
    for run in (_lines(folder, lambda _: []), (folder / "network.jsonl").unlink() or load(folder)):
        summary = summarise(run)
        assert summary.verdict is Verdict.NOT_VALID
        assert _broken(run) == [SILENT]
        assert "The network's executor died" in summary.sentence
        assert summary.network is not None
        assert summary.network.delivered == ()


def test_what_cannot_be_read_of_the_dose_is_counted(write_run: Callable[..., Path]) -> None:
    """A line that is no line of the file, one without its time and one that was cut: left out and said."""
    folder = write_run(calls=40, networks=NETWORKS)
    bad: list[Any] = [7, {"kind": "leg"}, {"kind": "probe", "unix": "now", "at_s": 1.0}]
    run = _lines(folder, lambda lines: [*lines, *map(json.dumps, bad), '{"unix": 17'])
    assert run.doses[0].unreadable == 4
    assert "4 lines of network.jsonl cannot be read and are left out." in summarise(run).warnings


def test_what_weakens_a_dose_is_said(write_run: Callable[..., Path]) -> None:
    """An executor without priority, a profile that no packet met, and one that did nothing."""
    folder = write_run(calls=40, networks=("clean", "burst-loss-5"), priority="ordinary")
    settings: Mapping[str, Any] = json.loads((folder / "run.json").read_text())
    settings["network"]["labels"] = ["agent=flap", "burst-loss-5;agent=flap"]
    (folder / "run.json").write_text(json.dumps(settings))
    run = load(folder)
    legs = run.doses[0].legs
    calm = _with(run, legs=legs.assign(lost=0.0, bursts=0.0, delay_ms_asked_mean=0.0))
    said = " ".join(summarise(calm).warnings)
    assert "had no real-time priority" in said
    assert "The profile flap changed nothing: no packet met it while calls were up." in said
    assert "The profile burst-loss-5 changed nothing: its windows lie outside the run" in said
