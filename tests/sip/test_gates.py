"""Gates as they are given: in one line, in a file, in the project's settings; and runs to be held against."""

from pathlib import Path

import pytest

from sip.errors import UsageError
from sip.gates import Limit, baselines, read

BOTH = (Limit("not_answered", "<=", 0.1), Limit("mos_p5", ">=", 3.6))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a project are those of the folder that a run is started in."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("head", ["", "[gates]\n", "[tool.ringtime.gates]\n"])
def test_a_line_and_a_file_say_the_same(tmp_path: Path, head: str) -> None:
    """In a file the gates stand under either heading or under none, the side with the limit."""
    file = tmp_path / "gates.toml"
    file.write_text(f'{head}not_answered = "<= 0.1"\nmos_p5 = ">=3.6"\n')

    assert read("not_answered<=0.1, mos_p5 >= 3.6") == read(str(file)) == BOTH


def test_a_bare_number_leaves_the_side_to_the_gate(tmp_path: Path) -> None:
    """Every gate has but one."""
    (tmp_path / "gates.toml").write_text("not_answered = 0.1\n")

    assert read("gates.toml") == (Limit("not_answered", "=", 0.1),)


def test_arms_percentiles_and_networks_are_part_of_a_name(tmp_path: Path) -> None:
    """In TOML a name with a dot, a colon or an at sign stands in quotes."""
    (tmp_path / "gates.toml").write_text('"old:wait_p99.5_s@wifi;agent=flap" = 4\n')

    assert read("old:wait_p99.5_s@wifi;agent=flap<=4") == (
        Limit("old:wait_p99.5_s@wifi;agent=flap", "<=", 4.0),
    )
    assert read("gates.toml") == (Limit("old:wait_p99.5_s@wifi;agent=flap", "=", 4.0),)
    assert str(read("gates.toml")[0]) == "old:wait_p99.5_s@wifi;agent=flap=4.0"


def test_without_any_those_of_the_project_count(tmp_path: Path) -> None:
    """`[tool.ringtime.gates]` of ./pyproject.toml, where there is one; an option comes before it."""
    assert read(None) == ()
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert read(None) == ()
    (tmp_path / "pyproject.toml").write_text("[tool.ringtime.gates]\nnot_answered = 0.1\n")

    assert read(None) == (Limit("not_answered", "=", 0.1),)
    assert read("mos_p5>=3.6") == BOTH[1:]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wait_p99.5_s = 4", "the name 'wait_p99' goes on after a dot: put all of it in quotes"),
        ("not_answered = true", "the limit of 'not_answered' must be a number"),
        ('not_answered = "few"', "the limit of 'not_answered' must be a number"),
        ("not_answered = nan", "the limit of 'not_answered' must be a number"),
        ("", "it holds no gate"),
        ("not_answered", 'write "name<=value,…" or name a TOML file'),
    ],
)
def test_a_file_that_is_no_list_of_gates_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """The sentence names the file and what would do."""
    (tmp_path / "gates.toml").write_text(text)

    with pytest.raises(UsageError) as refusal:
        read("gates.toml")

    assert (refusal.value.option, refusal.value.value) == ("--gates", "gates.toml")
    assert said in refusal.value.remedy


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("not_answered<=0.1,not_answered<=0.2", "are two limits of one gate"),
        ("not_answered<=0.1,", "'' is no gate"),
        ("not_answered<0.1", "'not_answered<0.1' is no gate; write one as not_answered<=0.02"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(spec: str, said: str) -> None:
    """Two limits of one gate, or what is none."""
    with pytest.raises(UsageError) as refusal:
        read(spec)

    assert said in refusal.value.remedy


def test_a_gate_that_is_repeated_is_one() -> None:
    """Saying a thing twice changes nothing."""
    assert read("mos_p5>=3.6,mos_p5>=3.6") == BOTH[1:]


def test_baselines_are_kept_by_the_place_that_they_are_at(tmp_path: Path) -> None:
    """A folder and a file, named from here; one that is not there is refused."""
    (tmp_path / "old").mkdir()
    (tmp_path / "summary.json").write_text("{}")

    assert baselines("old, summary.json") == (str(tmp_path / "old"), str(tmp_path / "summary.json"))
    assert baselines(None) == ()
    with pytest.raises(UsageError, match="--baseline cannot be 'gone'"):
        baselines("old,gone")
