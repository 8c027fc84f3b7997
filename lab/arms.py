"""The builds of the agent that a lab runs side by side, and what tells their processes apart."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import ringtime_filters
from lab.errors import LabError, ProgramMissingError

KINDS = ("none", "unbounded", "bounded")
PATCHED_FFI = "ffi:"

_FILTERS = Path(ringtime_filters.__file__).parent
_LIBRARIES = ("reference.so", "bounded.so", "bounded_v2.so")
_NAME = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Arm:
    """A build of the agent under a name, with the number that reaches it."""

    name: str
    kind: str
    number: str

    @property
    def agent(self) -> str:
        """The name its worker registers under."""
        return f"ringtime-{self.name}"


def parse_arms(spec: str) -> list[Arm]:
    """Read `NAME[=KIND],…`; the kind defaults to the name, numbers are given in order.

    Raises:
        LabError: A name or kind that cannot be, or a name twice.
    """
    arms: list[Arm] = []
    for index, part in enumerate(spec.split(","), start=1):
        name, _, kind = part.strip().partition("=")
        kind = kind or name
        if not _NAME.fullmatch(name):
            raise LabError(
                f"--arms cannot be {spec!r}: the name {name!r} must be of small letters, digits and dashes"
            )
        if any(arm.name == name for arm in arms):
            raise LabError(
                f"--arms cannot be {spec!r}: {name!r} is there twice; give each arm a name of its own"
            )
        _check_kind(spec, kind)
        arms.append(Arm(name, kind, number=f"+1555010{index:04d}"))
    return arms


def _check_kind(spec: str, kind: str) -> None:
    if kind.startswith(PATCHED_FFI):
        library = Path(kind.removeprefix(PATCHED_FFI))
        if not library.is_file():
            raise LabError(f"--arms cannot be {spec!r}: there is no library at {library}")
    elif kind not in KINDS:
        raise LabError(
            f"--arms cannot be {spec!r}: {kind!r} is no kind of arm; "
            f"{', '.join(KINDS)} or {PATCHED_FFI}PATH would do"
        )


def require_filters(arms: Iterable[Arm]) -> None:
    """See that the libraries are there that these arms load; raises ProgramMissingError when one is not."""
    if all(arm.kind == "none" for arm in arms):
        return
    absent = [name for name in _LIBRARIES if not (_FILTERS / name).is_file()]
    if absent:
        raise ProgramMissingError(
            f"{' and '.join(absent)} of ringtime_filters are missing; run `make filters`"
        )


def agent_environment(arm: Arm, *, bound_s: float, idle_processes: int) -> Mapping[str, str]:
    """What an arm's worker finds in its environment, besides where its server is."""
    environment = {
        "RINGTIME_ARM": arm.name,
        "RINGTIME_AGENT_NAME": arm.agent,
        "RINGTIME_ARM_KIND": arm.kind,
        "RINGTIME_BOUND_S": str(bound_s),
        "RINGTIME_IDLE_PROCESSES": str(idle_processes),
        # Models of speech that this agent has no use for: 250 MB and seconds of every start.
        "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
    }
    if arm.kind.startswith(PATCHED_FFI):
        library = Path(arm.kind.removeprefix(PATCHED_FFI)).resolve()
        environment |= {"RINGTIME_ARM_KIND": "unbounded", "LIVEKIT_LIB_PATH": str(library)}
    return environment
