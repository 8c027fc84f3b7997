"""Which calls are kept to be listened to: the worst of them, or a sample; the others' sound is forgotten."""

import heapq
import itertools
import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sip.errors import RunFolderError
from sip.outcome import Outcome
from sip.record import CallRecord

FOLDER = "recordings"
MOST = 1000  # worst calls
_PATIENCE_S = 5.0  # of a caller who listens for an answer, as the report has it
# What a caller of the default gates may have to bear; a call is as bad as what it exceeds most.
_WAIT_S, _RESPONSE_S, _MISSED = 4.5, 3.0, 0.01
_SPEC = re.compile(r"(worst):(\d{1,4})|(sample):(0?\.\d+|1(?:\.0*)?|0)")


@dataclass(frozen=True, slots=True)
class Worst:
    """The so many worst calls of each process that makes calls."""

    count: int


@dataclass(frozen=True, slots=True)
class Sample:
    """This share of all calls, drawn by the run's seed."""

    share: float


Choice = Worst | Sample


def read(spec: str) -> Choice:
    """`worst:N` or `sample:SHARE`; raises ValueError with what would do."""
    found = _SPEC.fullmatch(spec.strip())
    if found and found[1] and 1 <= int(found[2]) <= MOST:
        return Worst(int(found[2]))
    if found and found[3] and float(found[4]) > 0:
        return Sample(float(found[4]))
    raise ValueError(f"write worst:N, N from 1 to {MOST}, or sample:SHARE, such as sample:0.05")


class Recordings:
    """Ask whether a call is `wanted` before it is made, and have its record `judged` when it has ended.

    `keep` has the phone write the sound of a call, `discard` has it forgotten. Which calls are the worst is
    known at the end: what had been kept and was outdone is removed then. The folder is its owner's alone.
    """

    def __init__(
        self,
        choice: Choice,
        run: Path,
        *,
        seed: int,
        keep: Callable[[str, Path], None],
        discard: Callable[[str], None],
    ) -> None:
        self._choice = choice
        self._run = run
        self._seed = seed
        self._keep = keep
        self._discard = discard
        self._order = itertools.count()
        self._worst: list[tuple[tuple[int, float], int, Path]] = []
        self._outdone: list[Path] = []
        try:
            (run / FOLDER).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"{run / FOLDER} cannot be made ({error.strerror}): give a --run-dir that can be written."
            ) from error

    def wanted(self, call_id: str) -> bool:
        """Whether its sound may be kept, so that it must be remembered while the call is up."""
        match self._choice:
            case Sample(share):
                return random.Random(f"{self._seed}-{call_id.rpartition('-')[2]}").random() < share
            case Worst():
                return True

    def judged(self, record: CallRecord) -> CallRecord:
        """The record with its recording's place in the run's folder, None where it has none."""
        if not self.wanted(record.call_id):
            return record
        place = Path(FOLDER) / f"{record.call_id}.wav"
        if record.outcome is not Outcome.ANSWERED or not self._stays(record, self._run / place):
            self._discard(record.call_id)
            return record
        self._keep(record.call_id, self._run / place)
        return replace(record, recording=str(place))

    def close(self) -> None:
        """Remove what was outdone; the phone must have written all by now."""
        for path in self._outdone:
            path.unlink(missing_ok=True)

    def _stays(self, record: CallRecord, path: Path) -> bool:
        if not isinstance(self._choice, Worst):
            return True
        entry = (trouble(record), -next(self._order), path)
        if len(self._worst) < self._choice.count:
            heapq.heappush(self._worst, entry)
            return True
        least = heapq.heappushpop(self._worst, entry)
        if least is entry:
            return False
        self._outdone.append(least[2])
        return True


def trouble(record: CallRecord) -> tuple[int, float]:
    """How bad an answered call was: what kind of silence there was, then what it exceeds most.

    The kinds: no sound at all, an agent that went silent, a phrase without an answer, none of these.
    """
    heard, rtp = record.heard, record.rtp
    owed_s = (heard.waiting_s or 0.0) if heard is not None else 0.0
    kinds = (record.silent, owed_s >= _PATIENCE_S, heard is not None and heard.unanswered)
    kind = next((len(kinds) - place for place, is_one in enumerate(kinds) if is_one), 0)
    wait_s = math.inf if record.first_audio_s is None else record.first_audio_s - record.due_s
    expected = rtp.lost + rtp.received if rtp is not None else 0
    missed = (rtp.lost + (heard.late if heard is not None else 0)) / expected if rtp and expected else 0.0
    return kind, max(wait_s / _WAIT_S, max(record.response_s, default=0.0) / _RESPONSE_S, missed / _MISSED)
