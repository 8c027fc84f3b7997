"""The profile language: what may be written, what it comes to, and what is said of the rest."""

from pathlib import Path

import pytest

from network import language
from network.errors import ProfileError
from network.impairment import Distribution, Fragments
from network.profile import Leg, Profile, Scope, Selection
from sip.outcome import Outcome

HEAD = 'title = "A test"\nsource = "none"\n'


def parsed(text: str) -> Profile:
    """A profile of these lines."""
    return language.parse(HEAD + text, name="mine", origin="mine.toml")


@pytest.mark.parametrize("name", language.names())
def test_every_profile_of_the_catalogue_can_be_read_and_names_its_source(name: str) -> None:
    """The catalogue holds nothing that its own language refuses."""
    profile = language.load(name)
    assert profile.name == name
    assert profile.title
    assert profile.source
    assert profile.expect in list(Outcome)


def test_a_profile_with_nothing_in_it_is_a_perfect_link() -> None:
    """What is not written is not done."""
    profile = parsed("")
    assert profile.up == profile.down == language.load("clean").up
    assert (profile.leg, profile.scope, profile.seed) == (Leg.CALLER, Scope.CALLER, None)


def test_what_is_written_for_one_direction_counts_over_what_is_written_for_both() -> None:
    """Two directions share what they have in common."""
    profile = parsed("[both]\ndelay_ms = 10\nloss = { rate = 0.1 }\n[up]\ndelay_ms = 30")
    assert (profile.up.delay_ms, profile.down.delay_ms) == (30, 10)
    assert profile.up.loss == profile.down.loss


def test_a_window_changes_what_it_names_and_keeps_the_rest() -> None:
    """An episode is written as its difference."""
    profile = parsed(
        "[both]\ndelay_ms = 10\nrate_kbps = 500\n"
        '[[window]]\nfrom_s = 5\nfor_s = 1\nevery_s = 9\ntraffic = "media"\n[window.up]\ndelay_ms = 70'
    )
    (window,) = profile.windows
    assert window.traffic is Selection.MEDIA
    assert (window.up.delay_ms, window.up.rate_kbps) == (70, 500)
    assert window.down == profile.down


def test_all_that_an_impairment_has_can_be_written() -> None:
    """One profile uses every key."""
    profile = parsed(
        'leg = "agent"\nscope = "shared"\nseed = 7\nvoice = false\nexpect = "unanswered"\n'
        "[both]\ndelay_ms = 40\njitter = { normal_ms = 10, time_constant_ms = 80, ordered = false }\n"
        "loss = { rate = 0.05, mean_burst = 5 }\noutages = { per_s = 0.1, from_ms = 40, to_ms = 90 }\n"
        "rate_kbps = 800\nqueue_bytes = 9000\nslot_ms = 40\nretransmission = { rate = 0.1, by_ms = 8 }\n"
        'reorder = { rate = 0.01, by_ms = 30 }\nduplicate = 0.001\nmtu_bytes = 1200\nfragments = "drop"\n'
    )
    assert (profile.leg, profile.scope, profile.seed) == (Leg.AGENT, Scope.SHARED, 7)
    assert (profile.voice, profile.expect) == (False, "unanswered")
    one = profile.down
    assert one.jitter is not None
    assert (one.jitter.distribution, one.jitter.ms, one.jitter.ordered) == (Distribution.NORMAL, 10, False)
    assert one.loss is not None
    assert (one.loss.rate, one.loss.mean_burst) == (0.05, 5)
    assert one.outages is not None
    assert one.outages.to_ms == 90
    assert (one.rate_kbps, one.queue_bytes, one.slot_ms) == (800, 9000, 40)
    assert one.retransmission is not None
    assert one.reorder is not None
    assert (one.retransmission.rate, one.reorder.by_ms) == (0.1, 30)
    assert (one.duplicate, one.mtu_bytes, one.fragments) == (0.001, 1200, Fragments.DROP)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[both]\ndelay_ms = -3", "both.delay_ms cannot be -3.0: 0 or more ms"),
        ("[both]\ndelay_ms = nan", "both.delay_ms cannot be nan"),
        ("[both]\ndelay_ms = true", "both.delay_ms cannot be True: it is a number"),
        ('[up]\ndelay_ms = "3"', "up.delay_ms cannot be '3': it is a number"),
        (
            "[both]\nloss = { rate = 1.2 }",
            "both.loss.rate cannot be 1.2: a share from 0 to 1, so 0.05 is 5 %",
        ),
        ("[both]\nloss = {}", "both.loss.rate is missing: it is a number"),
        ("[both]\nloss = 0.1", "both.loss cannot be 0.1: it is a table"),
        (
            "[both]\nloss = { rate = 0.9, mean_burst = 2 }",
            "both.loss.mean_burst cannot be 2.0: at a rate of 0.9 bursts have 9 packets or more on average",
        ),
        (
            "[up]\nlos = { rate = 1 }",
            "up.los cannot be {'rate': 1}: there is no such key, known are delay_ms,",
        ),
        (
            "[up]\nloss = { rat = 1 }",
            "up.loss.rat cannot be 1: there is no such key, known are rate, mean_burst",
        ),
        ("windows = 3", "windows cannot be 3: there is no such key"),
        ('leg = "moon"', "leg cannot be 'moon': it is one of caller, agent, settings"),
        ("seed = 1.5", "seed cannot be 1.5: it is a whole number"),
        ("voice = 1", "voice cannot be 1: it is true or false"),
        ("up = 3", "up cannot be 3: it is a table of keys"),
        ("window = 3", "window cannot be 3: write each window as [[window]]"),
        ("[[window]]\nfor_s = 2", "it changes nothing, give it both, up or down"),
        ("[[window]]\nfor_s = 0\n[window.up]\ndelay_ms = 2", "window 1.for_s cannot be 0.0"),
        (
            "[[window]]\nfor_s = 3\nevery_s = 2\n[window.up]\n",
            "window 1.every_s cannot be 2.0: more than for_s",
        ),
        ("[nat]", "nat.rebind is missing: it is a table"),
        ("[nat]\nrebind = { after_s = -1 }", "nat.rebind.after_s cannot be -1.0: 0 or more seconds"),
        ("[nat]\nrebind = { after_s = 1, every_s = 0 }", "nat.rebind.every_s cannot be 0.0: 1 or more"),
        ("[[window]]\nevery_s = 2\n[window.up]\n", "window 1.every_s cannot be 2.0: more than for_s"),
        ("[[window]]\nfrom_s = -1\n[window.up]\n", "window 1.from_s cannot be -1.0"),
        (
            "[[window]]\n[window.up]\noutages = { per_s = 1, from_ms = 1, to_ms = 2 }",
            "window 1.up.outages cannot be",
        ),
        ("[[window]]\nfor_s = 3\n[window.up]\ndelay_ms = -1", "window 1.up.delay_ms cannot be -1.0"),
        ("[both]\njitter = {}", "both.jitter.spread is missing: give one of uniform_ms, normal_ms"),
        ("[both]\njitter = { uniform_ms = 3, pareto_ms = 3 }", "give one of uniform_ms"),
        ("[both]\njitter = { uniform_ms = 0 }", "both.jitter.uniform_ms cannot be 0.0"),
        ("[both]\njitter = { uniform_ms = 9, time_constant_ms = -1 }", "both.jitter.time_constant_ms cannot"),
        ("[both]\njitter = { normal_ms = 9 }", "a normal jitter of 9 ms needs a delay_ms of 36 or more"),
        ("[both]\noutages = { per_s = 1, from_ms = 9, to_ms = 2 }", "both.outages.to_ms cannot be 2.0"),
        ("[both]\nqueue_ms = 30", "both.queue_ms cannot be 30.0: a queue forms before a rate"),
        ("[both]\nrate_kbps = 9\nqueue_ms = 30\nqueue_bytes = 30", "queue_ms bounds the same queue"),
        ("[both]\nrate_kbps = 0", "both.rate_kbps cannot be 0.0"),
        ("[both]\nreorder = { rate = 2, by_ms = 3 }", "both.reorder.rate cannot be 2.0"),
        ("[both]\nretransmission = { rate = 1, by_ms = 0 }", "both.retransmission.by_ms cannot be 0.0"),
        ("[both]\nduplicate = 2", "both.duplicate cannot be 2.0"),
        ("[both]\nmtu_bytes = 67", "both.mtu_bytes cannot be 67.0: from 68 to 65535 bytes"),
        ('[both]\nfragments = "keep"', "both.fragments cannot be 'keep': it is one of pass, drop"),
        ("a = ", "is no TOML"),
    ],
)
def test_what_cannot_be_is_said_with_its_key_its_value_and_what_would_do(text: str, said: str) -> None:
    """Nothing is guessed, clamped or left out in silence."""
    with pytest.raises(ProfileError) as refused:
        parsed(text)
    assert said in str(refused.value)
    assert "'mine.toml'" in str(refused.value)


def test_a_profile_without_a_source_is_refused() -> None:
    """Numbers without an origin are not worth a run."""
    with pytest.raises(ProfileError, match="source is missing: it is text"):
        language.parse('title = "A test"', name="mine", origin="mine.toml")


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    """A misspelt name is mended by reading the error."""
    with pytest.raises(ProfileError, match=r"no network profile 'wifi': take one of .*wifi-congested"):
        language.load("wifi")


def test_a_profile_of_ones_own_is_named_by_its_path(tmp_path: Path) -> None:
    """The file's name is the profile's."""
    path = tmp_path / "office.toml"
    path.write_text(HEAD + "[both]\ndelay_ms = 3")
    profile = language.load(str(path))
    assert (profile.name, profile.up.delay_ms) == ("office", 3)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A binary file is no profile."""
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="cannot be read"):
        language.load(str(path))


def test_a_shared_link_narrower_than_one_call_is_warned_of() -> None:
    """Such a run tests capacity, which must be known before it."""
    (warning,) = parsed('scope = "shared"\n[both]\nrate_kbps = 64').warnings()
    assert "shares 64 kbit/s among all callers" in warning
    assert parsed("[both]\nrate_kbps = 64").warnings() == ()
    assert parsed('scope = "shared"\n[both]\nrate_kbps = 6400').warnings() == ()


def test_the_profile_of_the_manual_is_one() -> None:
    """What docs/network.md shows can be copied."""
    page = (Path(__file__).parents[2] / "docs" / "network.md").read_text()
    text = page.split("```toml\n")[1].split("```")[0]
    profile = language.parse(text, name="manual", origin="docs/network.md")
    assert profile.seed == 7
    assert profile.windows[0].down.loss is not None
    assert profile.windows[0].up == profile.up
