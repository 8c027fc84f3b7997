"""`python -m network` on the command line."""

from pathlib import Path

import pytest

from network import language
from network.__main__ import main
from network.executor import missing_for_wire

LACKING = missing_for_wire()


def test_list_names_every_profile_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    """The catalogue can be read without opening it."""
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(language.names())
    assert "3GPP TS 23.501" in next(line for line in lines if line.startswith("volte-5qi1"))


@pytest.mark.parametrize("name", language.names())
def test_show_says_and_draws_what_a_profile_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each profile of the catalogue can be put in words and drawn on a terminal."""
    assert main(["show", name, "--seconds", "20"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{name}: ")
    assert "up: mean delay" in shown
    assert "down: lost, " in shown


def test_show_draws_to_a_file_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A picture for a page is one option away."""
    plot = tmp_path / "starlink.png"
    assert main(["show", "starlink", "--seconds", "20", "--plot", str(plot)]) == 0
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "for 0.15 s of every 15 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "wifi"], "there is no network profile 'wifi'"),
        (["show", "clean", "--seconds", "1", "--plot", "/nowhere/x.png"], "/nowhere/x.png cannot be written"),
        (["show", "clean", "--seconds", "1", "--plot", "/nowhere/x.wav"], "/nowhere/x.wav cannot be written"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command fails with its reason and without a traceback."""
    assert main(arguments) == 1
    assert said in capsys.readouterr().err


def test_a_wrong_command_line_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A length that cannot be is named with what would do."""
    with pytest.raises(SystemExit, match="2"):
        main(["show", "clean", "--seconds", "0"])
    assert "a number of seconds from 1 to 3600" in capsys.readouterr().err


@pytest.mark.system
@pytest.mark.skipif(bool(LACKING), reason="; ".join(LACKING))
@pytest.mark.parametrize("name", ["burst-loss-5", pytest.param("uplink-64k", marks=pytest.mark.slow)])
def test_prove_holds_every_packet_against_the_model_and_says_what_it_found(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Voice is carried for real, packets meet their fates, and a figure is drawn.

    How late they are is this machine's affair: where it is overloaded, that is what the proof must say.
    """
    plot = tmp_path / "proof.png"
    status = main(["prove", name, "--seconds", "4", "--plot", str(plot)])
    shown = capsys.readouterr().out.splitlines()
    found = [line for line in shown if " of 4000; asked for 0.1 % or less" in line]
    assert [line[:3] for line in found] == ["ok ", "ok "]
    assert status == (3 if any(line.startswith("NOT ") for line in shown) else 0)
    assert f"{name} is {'delivered' if status == 0 else 'not delivered'}" in shown
    assert plot.read_bytes().startswith(b"\x89PNG")
