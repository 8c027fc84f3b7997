"""What a Locust worker is told of a run: which part of it is its own, and what it calls."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from sip.access import Access
from sip.course import Prepared
from sip.description import Target
from sip.errors import PhoneError
from sip.record import RunFolder

# The master's alone: what it makes, what it watches and how it judges; and where each host keeps its runs.
_NOT_SHARED = {"gates": None, "baseline": None, "otlp": None, "agents": None, "observe": "off"}
_RUN_DIR = "run-dir"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Part `index` of `of` of a run whose folder is at the master; no secret is in it.

    `given` are the run's options as they came, and `run_time` Locust's own.
    """

    version: str
    run_id: str
    folder: str
    index: int
    of: int
    given: Mapping[str, Any]
    run_time: float | None
    trunk: str
    numbers: Mapping[str, str]
    access: Mapping[str, Any] | None

    def check_version(self) -> None:
        """Master and worker must agree on what their messages mean; raises PhoneError."""
        if self.version != _version():
            raise PhoneError(
                f"the master's ringtime is {self.version} and this one's {_version()}: install the same"
            )

    @property
    def worker(self) -> str:
        """The name of the worker, and of its files."""
        return str(self.index)

    def message(self) -> dict[str, Any]:
        """Ready for Locust's channel."""
        return asdict(self)

    @classmethod
    def of_message(cls, message: Mapping[str, Any]) -> Self:
        """Read what `message` said."""
        return cls(**message)


def shares(
    prepared: Prepared, given: Mapping[str, Any], folder: RunFolder, target: Target, *, of: int
) -> list[Share]:
    """The run in as many parts; together they are the plan, and have all its addresses."""
    options = prepared.options
    shared = {**given, **_NOT_SHARED}
    shared.pop(_RUN_DIR, None)
    if options.trunk is not None:
        shared["numbers"] = ",".join(f"{arm}={number}" for arm, number in target.numbers.items())
    return [
        Share(
            version=_version(),
            run_id=folder.run_id,
            folder=str(folder.path.resolve()),
            index=index,
            of=of,
            given={**shared, "seed": options.seed},
            run_time=options.duration_s,
            trunk=target.trunk.uri,
            numbers=dict(target.numbers),
            access=_part(target.access, index, of),
        )
        for index in range(of)
    ]


def _version() -> str:
    return importlib.metadata.version("ringtime")


def _part(access: Access | None, index: int, of: int) -> dict[str, Any] | None:
    return None if access is None else access.part(index, of).announcement()
