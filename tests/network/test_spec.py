"""The choice of networks for a run."""

import pytest

from network import spec
from network.errors import ProfileError
from network.profile import Leg


def names(text: str) -> dict[str, list[str]]:
    """The profiles' names, leg by leg, but for clean legs."""
    legs = spec.choose(text).legs
    return {
        leg: [profile.name for profile in profiles]
        for leg, profiles in legs.items()
        if [profile.name for profile in profiles] != ["clean"]
    }


@pytest.mark.parametrize(
    ("text", "legs"),
    [
        ("clean", {}),
        ("wifi-congested", {"caller": ["wifi-congested"]}),
        ("flap", {"agent": ["flap"]}),
        ("wifi-congested;flap", {"caller": ["wifi-congested"], "agent": ["flap"]}),
        ("caller=g114-150; settings=geo-sat", {"caller": ["g114-150"], "settings": ["geo-sat"]}),
        ("g114-150+g114-400", {"caller": ["g114-150", "g114-400"]}),
        ("caller=clean+flap", {"caller": ["clean", "flap"]}),
    ],
)
def test_profiles_go_to_the_leg_that_is_named_or_to_their_own(text: str, legs: dict[str, list[str]]) -> None:
    """A leg that nobody names is clean."""
    assert names(text) == legs
    assert set(spec.choose(text).legs) == set(Leg)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no network profile ''"),
        ("moon=flap", "names the leg 'moon': there are caller, agent, settings"),
        ("flap;agent=geo-sat", "names the leg agent twice"),
        ("agent=flap+geo-sat", "several profiles on the leg agent: only calls can draw one each"),
        ("flap+geo-sat", "mixes profiles of several legs, flap (agent) and geo-sat (caller)"),
        ("geo-sat+geo-sat", "up to 8 different profiles"),
        ("caller=", "no network profile ''"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_with_what_would_do(text: str, said: str) -> None:
    """Before the run, in one sentence."""
    with pytest.raises(ProfileError) as refused:
        spec.choose(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("clean", ("clean",)),
        ("flap", ("flap",)),
        ("agent=geo-sat", ("agent=geo-sat",)),
        ("clean+wifi-congested", ("clean", "wifi-congested")),
        ("caller=clean+geo-sat;agent=flap", ("flap", "geo-sat;flap")),
        ("settings=g114-150;caller=flap", ("caller=flap;settings=g114-150",)),
    ],
)
def test_a_call_is_labelled_with_the_choice_that_it_was_made_under(
    text: str, labels: tuple[str, ...]
) -> None:
    """Clean legs are left out, and the label, taken as a choice, means the same network."""
    assert spec.choose(text).labels == labels
    for label in labels:
        assert spec.choose(label).labels == (label,)
    assert spec.choose(text).is_clean is (text == "clean")
