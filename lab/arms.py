"""The builds of the agent that a lab runs side by side, and what tells their processes apart."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import ringtime_filters
from lab.errors import LabError, ProgramMissingError
from lab.vendor import KNOWN_VERSIONS, fetched, folder

REFERENCE_KINDS = ("unbounded", "bounded", "deferred")  # the reference filter, by its initialisation
KINDS = ("none", *REFERENCE_KINDS)
PATCHED_FFI = "ffi:"
USAGE = (
    ", ".join([*KINDS, *(f"vendor-{version}" for version in KNOWN_VERSIONS)])
    + f", each vendor-… with -bounded too, {PATCHED_FFI}PATH"
)

_FILTERS = Path(ringtime_filters.__file__).parent
_LIBRARIES = ("reference.so", "bounded.so", "bounded_v2.so")
_NAME = re.compile(r"[a-z0-9-]+")
_VENDOR = re.compile(r"vendor-(?P<version>\d+(?:\.\d+)+)(?P<bounded>-bounded)?")


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

    @property
    def vendor_version(self) -> str | None:
        """The version of the vendor's filter that it runs, None where it runs none."""
        vendor = _VENDOR.fullmatch(self.kind)
        return vendor["version"] if vendor else None

    @property
    def bounds_vendor(self) -> bool:
        """Whether it runs the vendor's filter behind the deadline."""
        vendor = _VENDOR.fullmatch(self.kind)
        return bool(vendor and vendor["bounded"])

    @property
    def ffi(self) -> Path | None:
        """The patched FFI that it runs on, None for the one of the SDK."""
        patched = self.kind.startswith(PATCHED_FFI)
        return Path(self.kind.removeprefix(PATCHED_FFI)).resolve() if patched else None

    @property
    def filter_is_ours(self) -> bool:
        """Whether it runs the reference filter, which asks wherever it is told."""
        return self.kind in REFERENCE_KINDS or self.ffi is not None


def parse_arms(spec: str) -> list[Arm]:
    """Read `NAME[=KIND],…`; the kind defaults to the name, numbers are given in order.

    A name holds no dots: `vendor-0.2.6` for short is `vendor-0-2-6=vendor-0.2.6`.

    Raises:
        LabError: A name or kind that cannot be, or a name twice.
    """
    arms: list[Arm] = []
    for index, part in enumerate(spec.split(","), start=1):
        name, _, kind = part.strip().partition("=")
        if not kind:
            name, kind = name.replace(".", "-"), name
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
    elif kind not in KINDS and not _VENDOR.fullmatch(kind):
        raise LabError(f"--arms cannot be {spec!r}: {kind!r} is no kind of arm; {USAGE} would do")


async def require_filters(arms: Iterable[Arm], say: Callable[[str], None]) -> None:
    """See that everything is there that these arms load; what can be fetched is, and `say` is told.

    Raises:
        LabError: Something is missing, or is not what it should be.
    """
    arms = list(arms)
    if any(arm.filter_is_ours or arm.bounds_vendor for arm in arms):
        require_compiled()
    for arm in arms:
        if arm.ffi is not None:
            _require_loadable(arm.ffi)
    for version in sorted({arm.vendor_version for arm in arms if arm.vendor_version}):
        await fetched(version, say)


def require_compiled() -> None:
    """See that our filters are there; raises ProgramMissingError when one is not."""
    absent = [name for name in _LIBRARIES if not (_FILTERS / name).is_file()]
    if absent:
        raise ProgramMissingError(
            f"{' and '.join(absent)} of ringtime_filters are missing; run `make filters`"
        )


def _require_loadable(library: Path) -> None:
    program = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).livekit_ffi_request"
    command = [sys.executable, "-c", program, str(library)]  # in a process that it may bring down
    tried = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if tried.returncode != 0:
        words = tried.stderr.strip().splitlines() or [f"it ended the process that tried ({tried.returncode})"]
        raise LabError(
            f"{library} is no LiveKit FFI that can be loaded: {words[-1].partition(': ')[2] or words[-1]}; "
            "name a liblivekit_ffi.so that was built for this machine"
        )


def agent_environment(
    arm: Arm, *, bound_s: float, idle_processes: int, agent_processes: int | None = None
) -> Mapping[str, str]:
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
    if agent_processes is not None:
        environment |= {"RINGTIME_AGENT_PROCESSES": str(agent_processes)}
    if arm.ffi is not None:
        environment |= {"RINGTIME_ARM_KIND": "unbounded", "LIVEKIT_LIB_PATH": str(arm.ffi)}
    if arm.vendor_version is not None:
        found = [str(folder(arm.vendor_version)), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(found)
    return environment
