"""How far another host's wall clock is from this one, and how well that is known."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import aiohttp

_READINGS = 8


@dataclass(frozen=True, slots=True)
class Offset:
    """What to add to a time of this host's clock to get the other's, true within `error_s` either way."""

    offset_s: float
    error_s: float


def offset_from_reading(asked_unix: float, other_unix: float, answered_unix: float) -> Offset:
    """The offset that one question and answer prove: the other clock was read somewhere between the two.

    Half the round trip is the error (F. Cristian, Probabilistic clock synchronization, 1989).
    """
    return Offset(
        offset_s=other_unix - (asked_unix + answered_unix) / 2, error_s=(answered_unix - asked_unix) / 2
    )


def best_offset(offsets: Iterable[Offset]) -> Offset:
    """The offset with the smallest error; raises ValueError when there are none."""
    return min(offsets, key=lambda offset: offset.error_s)


async def observer_offset(status_url: str) -> Offset:
    """Read an observer's clock a few times and keep the best reading.

    Raises:
        aiohttp.ClientError: The observer does not answer.
    """
    offsets = []
    async with aiohttp.ClientSession() as session:
        for _ in range(_READINGS):  # the first one pays for the connection, and loses
            asked_unix = time.time()
            async with session.get(status_url) as response:
                other_unix = float((await response.json())["unix"])
            offsets.append(offset_from_reading(asked_unix, other_unix, time.time()))
    return best_offset(offsets)
