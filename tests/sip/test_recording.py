"""Which calls are kept to be listened to."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import RunFolderError
from sip.outcome import Outcome
from sip.record import CallRecord
from sip.recording import Choice, Recordings, Sample, Worst, read, trouble
from tests.sip.test_record import HEARD, RTP, answered


class Phone:
    """Writes what it is told to."""

    def __init__(self) -> None:
        self.discarded: list[str] = []

    def keep(self, call_id: str, path: Path) -> None:
        """Have a recording."""
        path.write_text(call_id)

    def discard(self, call_id: str) -> None:
        """Have none."""
        self.discarded.append(call_id)


def recordings(choice: Choice, folder: Path, phone: Phone, seed: int = 1) -> Recordings:
    """Of a run in that folder."""
    return Recordings(choice, folder, seed=seed, keep=phone.keep, discard=phone.discard)


def waited(number: int, wait_s: float) -> CallRecord:
    """An answered call that began to sound so long after it was due."""
    return replace(
        answered(),
        call_id=f"run-{number}",
        due_s=0.0,
        first_audio_s=wait_s,
        heard=None,
        rtp=None,
        response_s=(),
    )


def kept(folder: Path) -> Iterator[str]:
    """The calls that have a recording."""
    return (path.stem for path in (folder / "recordings").iterdir())


@given(st.lists(st.floats(0.1, 60), max_size=40), st.integers(1, 5))
def test_of_the_worst_those_of_the_whole_run_are_there_at_its_end(
    tmp_path_factory: pytest.TempPathFactory, waits_s: list[float], count: int
) -> None:
    """Of equals the earlier; each that was told of in its record has been kept, or was outdone."""
    folder = tmp_path_factory.mktemp("run")
    chosen = recordings(Worst(count), folder, Phone())
    judged = [chosen.judged(waited(number, wait_s)) for number, wait_s in enumerate(waits_s)]
    chosen.close()

    worst = sorted(range(len(waits_s)), key=lambda number: (-waits_s[number], number))[:count]
    assert set(kept(folder)) == {f"run-{number}" for number in worst}
    told = {record.call_id: record.recording for record in judged if record.recording}
    assert all(told[call_id] == f"recordings/{call_id}.wav" for call_id in kept(folder))


def test_a_call_without_a_voice_is_kept_by_nobody(tmp_path: Path) -> None:
    """Nobody was heard in it."""
    phone = Phone()
    chosen = recordings(Worst(5), tmp_path, phone)
    record = replace(answered(), outcome=Outcome.UNANSWERED)

    assert chosen.judged(record) is record
    assert phone.discarded == [record.call_id]
    assert not list(kept(tmp_path))


def test_a_sample_is_drawn_by_the_seed_whatever_becomes_of_the_calls(tmp_path: Path) -> None:
    """The same calls in every run of that seed, close to the share that was asked for."""
    chosen = recordings(Sample(0.2), tmp_path, Phone(), seed=5)
    again, other = (recordings(Sample(0.2), tmp_path, Phone(), seed=seed) for seed in (5, 6))
    drawn = [number for number in range(2000) if chosen.wanted(f"run-{number}")]

    assert drawn == [number for number in range(2000) if again.wanted(f"later-run-{number}")]
    assert drawn != [number for number in range(2000) if other.wanted(f"run-{number}")]
    assert 300 < len(drawn) < 500


def test_what_is_not_of_the_sample_is_never_remembered(tmp_path: Path) -> None:
    """So that there is nothing to discard; what is of it is kept."""
    phone = Phone()
    chosen = recordings(Sample(0.5), tmp_path, phone)
    records = [chosen.judged(waited(number, 1.0)) for number in range(40)]

    assert {record.call_id for record in records if record.recording} == set(kept(tmp_path))
    assert 0 < len(list(kept(tmp_path))) < 40
    assert phone.discarded == []


def test_silence_is_worse_than_any_wait_and_the_longer_it_lasted_the_worse() -> None:
    """No sound, an agent that went silent, a phrase without an answer, then what exceeds its limit most."""
    fine = replace(answered(), due_s=1.0, first_audio_s=1.5, response_s=(0.4,), heard=HEARD)
    order = [
        replace(fine, silent=True, first_audio_s=None),
        replace(fine, heard=replace(HEARD, waiting_s=6.0)),
        replace(fine, heard=replace(HEARD, unanswered=1, waiting_s=1.0)),
        replace(fine, heard=replace(HEARD, late=0), rtp=replace(RTP, lost=50, received=200)),
        replace(fine, first_audio_s=31.0),
        replace(fine, response_s=(0.4, 9.0)),
        fine,
    ]

    assert order == sorted(order, key=trouble, reverse=True)


@pytest.mark.parametrize(
    ("spec", "choice"),
    [
        ("worst:10", Worst(10)),
        ("sample:0.05", Sample(0.05)),
        ("sample:1", Sample(1.0)),
        (" worst:1 ", Worst(1)),
    ],
)
def test_a_choice_is_read_as_it_is_written(spec: str, choice: Choice) -> None:
    """How many, or which share."""
    assert read(spec) == choice


@pytest.mark.parametrize(
    "spec", ["", "worst", "worst:0", "worst:-1", "worst:5000", "sample:0", "sample:1.5", "sample:nan", "all"]
)
def test_what_is_no_choice_is_refused_with_what_is(spec: str) -> None:
    """Both forms are named."""
    with pytest.raises(ValueError, match=r"write worst:N, N from 1 to 1000, or sample:SHARE"):
        read(spec)


def test_recordings_are_their_owner_s_alone_and_need_a_folder(tmp_path: Path) -> None:
    """Others on the machine have no business with people's voices; where there is no place it is said."""
    recordings(Worst(1), tmp_path, Phone())
    assert (tmp_path / "recordings").stat().st_mode & 0o777 == 0o700

    with pytest.raises(RunFolderError, match=r"recordings cannot be made \(No such file or directory\)"):
        recordings(Worst(1), tmp_path / "nowhere", Phone())
