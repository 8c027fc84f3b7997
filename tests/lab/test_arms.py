"""Facts about the arms of a lab."""

from pathlib import Path

import pytest

from lab.arms import Arm, agent_environment, parse_arms
from lab.errors import LabError


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


def test_an_agent_is_told_its_name_kind_bound_and_processes() -> None:
    """Everything that tells the arms' workers apart travels in the environment."""
    environment = agent_environment(Arm("new", "bounded", "+1"), bound_s=2.5, idle_processes=3)

    assert environment["RINGTIME_AGENT_NAME"] == "ringtime-new"
    assert environment["RINGTIME_ARM_KIND"] == "bounded"
    assert environment["RINGTIME_BOUND_S"] == "2.5"
    assert environment["RINGTIME_IDLE_PROCESSES"] == "3"
