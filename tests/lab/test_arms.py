"""Facts about the arms of a lab."""

import asyncio
from pathlib import Path

import livekit.rtc
import pytest

import ringtime_filters
from lab.arms import Arm, agent_environment, parse_arms, require_filters
from lab.errors import LabError
from lab.vendor import folder


def livekit_ffi() -> Path:
    """The FFI that came with the SDK."""
    return Path(livekit.rtc.__file__).parent / "resources" / "liblivekit_ffi.so"


def test_the_kind_of_an_arm_is_its_name_unless_it_is_given() -> None:
    """`bounded` is of kind bounded, `old=unbounded` is not of kind old."""
    assert [(arm.name, arm.kind) for arm in parse_arms("old=unbounded,bounded")] == [
        ("old", "unbounded"),
        ("bounded", "bounded"),
    ]


def test_arms_have_numbers_and_agents_of_their_own() -> None:
    """Two arms of one kind, as in an A/A comparison, have different numbers and different agents."""
    first, second = parse_arms("a=bounded,b=bounded")

    assert (first.number, first.agent) == ("+15550100001", "ringtime-a")
    assert (second.number, second.agent) == ("+15550100002", "ringtime-b")


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("Bounded", "'Bounded' must be of small letters"),
        ("", "'' must be of small letters"),
        ("a=none,a=none", "'a' is there twice"),
        ("a=fast", "'fast' is no kind of arm"),
        ("quick", "'quick' is no kind of arm"),
        ("a=vendor-latest", "'vendor-latest' is no kind of arm"),
        ("old=vendor-0.2.6-deferred", "vendor-0.3.2, each vendor-… with -bounded too, ffi:PATH would do"),
        ("a=ffi:/nowhere/liblivekit_ffi.so", "there is no library at /nowhere/liblivekit_ffi.so"),
    ],
)
def test_arms_that_cannot_be_are_refused_with_the_option_and_the_reason(spec: str, complaint: str) -> None:
    """The message names the option, what was given and what is wrong with it."""
    with pytest.raises(LabError) as caught:
        parse_arms(spec)

    assert f"--arms cannot be {spec!r}: " in str(caught.value)
    assert complaint in str(caught.value)


def test_a_patched_ffi_is_an_unbounded_arm_with_another_library(tmp_path: Path) -> None:
    """Its agents load the library named and are otherwise those of the unbounded arm."""
    library = tmp_path / "liblivekit_ffi.so"
    library.touch()
    (arm,) = parse_arms(f"patched=ffi:{library}")

    environment = agent_environment(arm, bound_s=5, idle_processes=1)

    assert environment["LIVEKIT_LIB_PATH"] == str(library)
    assert environment["RINGTIME_ARM_KIND"] == "unbounded"


def test_a_kind_with_dots_makes_a_name_without() -> None:
    """Names are of letters, digits and dashes; versions have dots."""
    assert [(arm.name, arm.kind) for arm in parse_arms("vendor-0.2.6,vendor-0.2.6-bounded")] == [
        ("vendor-0-2-6", "vendor-0.2.6"),
        ("vendor-0-2-6-bounded", "vendor-0.2.6-bounded"),
    ]


def test_a_vendors_arm_finds_its_version_before_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder comes first on the module path, which keeps what it held."""
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    (arm,) = parse_arms("old=vendor-0.2.6-bounded")

    environment = agent_environment(arm, bound_s=5, idle_processes=1)

    assert arm.vendor_version == "0.2.6"
    assert environment["PYTHONPATH"] == f"{folder('0.2.6')}:/elsewhere"
    assert environment["RINGTIME_ARM_KIND"] == "vendor-0.2.6-bounded"


def said_by(arms: str) -> list[str]:
    """What is said while it is seen that these arms can run."""
    said: list[str] = []
    asyncio.run(require_filters(parse_arms(arms), said.append))
    return said


def test_the_sdks_own_ffi_can_stand_for_a_patched_one() -> None:
    """A library that loads and has the FFI's entry point is taken."""
    assert said_by(f"patched=ffi:{livekit_ffi()}") == []


def test_a_library_that_does_not_load_is_refused_with_what_the_linker_says(tmp_path: Path) -> None:
    """Before anything is started."""
    library = tmp_path / "liblivekit_ffi.so"
    library.write_text("not ELF")

    with pytest.raises(LabError, match=r"liblivekit_ffi\.so is no LiveKit FFI .*: file too short; name a "):
        said_by(f"patched=ffi:{library}")


def test_a_library_that_is_something_else_is_refused_with_what_it_lacks() -> None:
    """An audio filter is no FFI."""
    reference = Path(ringtime_filters.__file__).parent / "reference.so"

    with pytest.raises(
        LabError, match=r"reference\.so is no LiveKit FFI .*undefined symbol: livekit_ffi_request"
    ):
        said_by(f"patched=ffi:{reference}")


def test_an_agent_is_told_its_name_kind_bound_and_processes() -> None:
    """Everything that tells the arms' workers apart travels in the environment."""
    environment = agent_environment(Arm("new", "bounded", "+1"), bound_s=2.5, idle_processes=3)

    assert environment["RINGTIME_AGENT_NAME"] == "ringtime-new"
    assert environment["RINGTIME_ARM_KIND"] == "bounded"
    assert environment["RINGTIME_BOUND_S"] == "2.5"
    assert environment["RINGTIME_IDLE_PROCESSES"] == "3"
