"""The choice of networks for a run: `NAME`, by leg `caller=NAME;agent=NAME`, several per call with `A+B`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from network import language
from network.errors import ProfileError
from network.profile import Leg, Profile

CLEAN = "clean"
MOST_PROFILES = 8  # on one leg: each has a block of the callers' addresses


@dataclass(frozen=True, slots=True)
class Choice:
    """The profiles of each leg; of several on the callers' leg one is drawn for each call."""

    legs: Mapping[Leg, Sequence[Profile]]

    def __str__(self) -> str:
        """The same choice as text that means the same in any folder."""
        return ";".join(
            f"{leg}={'+'.join(profile.origin for profile in profiles)}" for leg, profiles in self.legs.items()
        )

    @property
    def is_clean(self) -> bool:
        """Whether no leg is to be degraded, and none has several profiles to compare."""
        return self.labels == (CLEAN,)

    @property
    def labels(self) -> tuple[str, ...]:
        """What a call's network is called in records, one for each profile of the callers' leg.

        Each is a choice itself, without the legs that are clean: `wifi-congested`, `wifi-congested;flap`.
        """
        return tuple(self._label(caller) for caller in self.legs[Leg.CALLER])

    def degrades(self, leg: Leg) -> bool:
        """Whether a leg has a profile that is not clean."""
        return any(profile.origin != CLEAN for profile in self.legs[leg])

    def _label(self, caller: Profile) -> str:
        own = (caller, *(self.legs[leg][0] for leg in (Leg.AGENT, Leg.SETTINGS)))
        parts = [
            profile.name if profile.leg is leg else f"{leg}={profile.name}"
            for leg, profile in zip(Leg, own, strict=True)
            if profile.origin != CLEAN
        ]
        return ";".join(parts) or CLEAN

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a run on these networks should know beforehand."""
        return tuple(each for profiles in self.legs.values() for one in profiles for each in one.warnings())


def choose(spec: str) -> Choice:
    """The profiles that a text names; a leg that it does not name is clean.

    A profile named without a leg goes where it says itself, the callers' leg unless it says another.

    Raises:
        ProfileError: A part is no profile, a leg is unknown or named twice, or has more than it can.
    """
    legs: dict[Leg, list[Profile]] = {}
    for part in spec.split(";"):
        leg_name, is_named, names = part.rpartition("=")
        profiles = [language.load(name.strip()) for name in names.split("+")]
        leg = _leg(leg_name.strip(), spec) if is_named else _own_leg(profiles, spec)
        if leg in legs:
            raise ProfileError(f"the network {spec!r} names the leg {leg} twice: give it one part")
        if len(profiles) > 1 and leg is not Leg.CALLER:
            raise ProfileError(
                f"the network {spec!r} has several profiles on the leg {leg}: only calls can draw "
                f"one each, so name one"
            )
        if len({profile.name for profile in profiles}) < len(profiles) or len(profiles) > MOST_PROFILES:
            raise ProfileError(f"the network {spec!r} needs up to {MOST_PROFILES} different profiles with +")
        legs[leg] = profiles
    clean = language.load(CLEAN)
    return Choice({leg: legs.get(leg, [clean]) for leg in Leg})


def _leg(name: str, spec: str) -> Leg:
    try:
        return Leg(name)
    except ValueError:
        raise ProfileError(
            f"the network {spec!r} names the leg {name!r}: there are {', '.join(Leg)}"
        ) from None


def _own_leg(profiles: Sequence[Profile], spec: str) -> Leg:
    legs = {profile.leg for profile in profiles}
    if len(legs) > 1:
        named = " and ".join(f"{profile.name} ({profile.leg})" for profile in profiles)
        raise ProfileError(f"the network {spec!r} mixes profiles of several legs, {named}: write LEG=NAME;…")
    return legs.pop()
