"""A run that was kept, as far as later ones are held against it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from analysis.conditions import differing
from analysis.errors import BrokenFileError, NewerFormatError, UnlikeRunsError
from analysis.gates import Verdict
from analysis.intervals import Estimate
from analysis.run import FORMAT
from analysis.wording import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What of a run later ones are held against; `figures` are by the name of the gate that compares them."""

    run_id: str
    started_unix: float
    versions: Mapping[str, str | None]
    conditions: Mapping[str, object]
    figures: Mapping[str, Estimate]

    @classmethod
    def of(cls, document: Mapping[str, Any], where: str) -> Self:
        """The run that summary.json tells of.

        Args:
            document: what it holds.
            where: it lies, for what is said where it cannot serve.

        Raises:
            UnlikeRunsError: it is of several runs, or was not valid.
            BrokenFileError: it is no such file, or of an earlier version that did not write the conditions.
            NewerFormatError: it is of a later version.
        """
        try:
            if document["format"] > FORMAT:
                raise NewerFormatError(
                    f"{where} was written in format {document['format']} and this version reads up to "
                    f"{FORMAT}: update ringtime."
                )
            if "conditions" not in document:
                raise BrokenFileError(
                    f"{where} does not say under which conditions its run was made, for an earlier version "
                    "wrote it: name the run's folder, or read that again with `python -m reports`."
                )
            if len(document["run_ids"]) > 1:
                raise UnlikeRunsError(f"{where} tells of several runs: a baseline is one.")
            if document["verdict"] == Verdict.NOT_VALID:
                raise UnlikeRunsError(
                    f"{where} was not valid, so nothing can be held against it: {document['sentence']}"
                )
            return cls(
                run_id=document["run_ids"][0],
                started_unix=document["started_unix"],
                versions=document["versions"],
                conditions=dict(document["conditions"]),
                figures=figures_of(document),
            )
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise BrokenFileError(
                f"{where} is not what a summary.json must be ({error!r}): name a run's folder, or the "
                "summary.json of one."
            ) from error

    def refuse_unlike(
        self, run_id: str, conditions: Mapping[str, object], *, beforehand: bool = False
    ) -> None:
        """Raise UnlikeRunsError where a run under these conditions is the same one, or none like it.

        Those that are known `beforehand` are not all.
        """
        if run_id == self.run_id:
            raise UnlikeRunsError(f"{run_id} is the run itself: a baseline is an earlier one.")
        known = {key: self.conditions.get(key) for key in conditions} if beforehand else self.conditions
        unlike = differing(known, conditions)
        if unlike:
            told = [f"{key} ({self.conditions.get(key)} there, {conditions.get(key)} here)" for key in unlike]
            raise UnlikeRunsError(
                f"This run cannot be held against {self.run_id}: they differ in {listed(told)}. Repeat one "
                "of them with the other's options, or leave --baseline out."
            )


def figures_of(document: Mapping[str, Any]) -> dict[str, Estimate]:
    """Of a summary, what later runs are held against, by the gate's name.

    A search holds each network at the load that it found, which the next one need not find: there only the
    capacity is like with like.
    """
    knees = (document.get("capacity") or {}).get("knees", ())
    candidate = document["candidate"]
    if knees and not document["conditions"]["search"]["smoke"]:
        own = [knee for knee in knees if knee["arm"] == candidate]
        several = len(own) > 1
        return {
            f"regression_capacity@{knee['profile']}" if several else "regression_capacity": _of_knee(knee)
            for knee in own
        }
    arm = document["arms"][candidate]
    sources = {"regression_rmst_s": arm["rmst_s"], "regression_not_answered": arm["not_answered_share"]}
    return {
        name: Estimate(float(found["value"]), float(found["low"]), float(found["high"]), int(found["n"]))
        for name, found in sources.items()
        if found["value"] is not None
    }


def _of_knee(knee: Mapping[str, Any]) -> Estimate:
    """The middle of the interval on the logarithmic scale that the search goes by; none where it is open."""
    low, high = knee["low"], knee["high"]
    return Estimate(math.sqrt(low * high) if low and high else None, low, high, knee["calls"])
