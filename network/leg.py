"""All links of one leg: which of them a packet takes."""

from collections.abc import Callable, Sequence

from network import topology
from network.model import Link, Tally
from network.profile import Direction, Leg, Profile, Scope


class Links:
    """The links of a leg, made as their near ends turn up.

    `which` says by the near end's address which of the profiles it is under. Packets of each profile and
    direction are counted together, in `tallies`.
    """

    def __init__(self, profiles: Sequence[Profile], which: Callable[[bytes], int], *, seed: int) -> None:
        self.profiles = tuple(profiles)
        self.tallies = [{direction: Tally() for direction in Direction} for _ in profiles]
        self._which = which
        self._seed = seed
        self._shared: dict[int, Link] = {}
        self._links: dict[bytes, tuple[int, Link]] = {}

    def of(self, near: bytes) -> tuple[int, Link] | None:
        """The link of a near end by its address, with the number of its profile; None for a stranger's."""
        found = self._links.get(near)
        if found is not None:
            return found
        number = self.number(near)
        if number is None:
            return None
        profile = self.profiles[number]
        link = self._shared.get(number)
        if link is None:
            name = link_name(profile, near)
            link = Link(profile, seed=self._seed, name=name, tallies=self.tallies[number])
            if profile.scope is Scope.SHARED:
                self._shared[number] = link
        return self._links.setdefault(near, (number, link))

    def number(self, near: bytes) -> int | None:
        """Which profile a near end is under; None for a stranger."""
        number = self._which(near)
        return number if 0 <= number < len(self.profiles) else None

    def forget(self, now_s: float) -> None:
        """Let go of flows that have been silent for long."""
        for _, link in self._links.values():
            link.forget(now_s)


def link_name(profile: Profile, near: bytes) -> str:
    """The name that keeps a link's random numbers apart from those of the other links of its leg."""
    return "shared" if profile.scope is Scope.SHARED else ".".join(map(str, near))


def links(leg: Leg, profiles: Sequence[Profile], *, seed: int) -> Links:
    """The links of a leg as this tester lays its addresses out; whoever knows the seed has the same."""
    return Links(profiles, topology.profile_number if leg is Leg.CALLER else _the_only, seed=seed)


def _the_only(_: bytes) -> int:
    return 0
