"""Facts about what a lab finds missing on a machine."""

import os
from pathlib import Path

import pytest

from lab.__main__ import main
from network.emulation import Executor


def test_a_machine_that_was_set_up_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Each need has a line of its own that begins with ok; what arms of some kinds need comes after."""
    assert main(["check"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ok"] * 5 + ["optional"] * (
        3 + len(Executor)
    )


def test_what_only_some_arms_need_is_said_and_not_fetched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A version that is there has its folder, one that is not has what would fetch it, or how to get that."""
    kept = tmp_path / "noise-cancellation" / "0.2.6"
    kept.mkdir(parents=True)
    monkeypatch.setattr("lab.vendor._TOOLS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    main(["check"])

    said = capsys.readouterr().out

    assert f"optional vendor-0.2.6: in {kept}\n" in said
    assert "optional vendor-0.3.2: uv, which fetches the vendor's filter, is neither on PATH nor in" in said


@pytest.mark.parametrize(("kernel", "code"), [("4.19.0-27-amd64", 1), ("5.3.0", 0), ("6.1.0-13", 0)])
def test_a_kernel_that_cannot_end_a_lab_as_a_whole_is_told(
    kernel: str, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """pidfd_open(2) came with Linux 5.3."""
    monkeypatch.setattr("platform.release", lambda: kernel)

    assert main(["check"]) == code
    told = (
        f"missing  system: this is Linux {kernel}; a lab needs Linux 5.3 or later" in capsys.readouterr().out
    )
    assert told is bool(code)


def test_a_livekit_sip_on_the_path_is_shown_with_its_version(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is what the lab would use; without one the embedded trunk stands in."""
    program = tmp_path / "livekit-sip"
    program.write_text("#!/bin/sh\necho livekit-sip version 1.11.0\n")
    program.chmod(0o755)
    main(["check"])
    without = capsys.readouterr().out
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    main(["check"])

    assert "optional livekit-sip: not on PATH, so the embedded trunk stands in" in without
    assert f"optional livekit-sip: 1.11.0 at {program}\n" in capsys.readouterr().out


def test_what_is_missing_is_named_with_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rest is looked at all the same, and the exit code is 1."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["check"]) == 1

    said = capsys.readouterr()
    assert "missing  redis-server: redis-server is not on PATH; install it" in said.out
    assert "ok       livekit-server" in said.out
    assert said.err == "lab: 1 of 5 needs are not met\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--bound", "0"], "--bound cannot be 0 s"),
        (["--idle-processes", "0"], "--idle-processes cannot be 0"),
        (["--filter-fault", "gremlins"], "--filter-fault cannot be 'gremlins'"),
        (
            ["--arms", "unbounded,old=vendor-0.2.6", "--filter-fault", "silent:0.2+refused:0.1"],
            "refused needs an endpoint of the filter's own, and the vendor's in 'old' asks",
        ),
        (["--sip-user", "carrier"], "needs the password in the environment variable RINGTIME_SIP_PASSWORD"),
    ],
)
def test_an_impossible_wish_is_refused_with_the_option_and_the_value(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, and one sentence."""
    monkeypatch.delenv("RINGTIME_SIP_PASSWORD", raising=False)

    assert main(["up", *arguments]) == 2
    assert complaint in capsys.readouterr().err
