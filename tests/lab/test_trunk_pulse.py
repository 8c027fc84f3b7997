"""Facts about the clock of the trunk's media."""

import asyncio

from lab.trunk.pulse import BEAT_S, Pulse


def test_everything_that_beats_does_so_together_every_20_ms() -> None:
    """In the order it was added, and without drift."""

    async def scenario() -> tuple[list[str], float]:
        loop, pulse, beats = asyncio.get_running_loop(), Pulse(), []
        done = loop.create_future()

        def last() -> None:
            beats.append("b")
            if len(beats) == 20:
                done.set_result(loop.time())

        began_s = loop.time()
        pulse.add(lambda: beats.append("a"))
        pulse.add(last)
        return beats, await done - began_s

    beats, took_s = asyncio.run(scenario())

    assert beats == ["a", "b"] * 10
    assert 10 * BEAT_S <= took_s < 20 * BEAT_S


def test_what_was_removed_no_longer_beats() -> None:
    """Not even when it removes itself, and the clock goes on for the others."""

    async def scenario() -> list[str]:
        pulse, beats = Pulse(), []
        done = asyncio.get_running_loop().create_future()

        def once() -> None:
            beats.append("once")
            pulse.remove(once)

        def thrice() -> None:
            beats.append("thrice")
            if beats.count("thrice") == 3:
                done.set_result(None)
                pulse.remove(thrice)

        pulse.add(once)
        pulse.add(thrice)
        await done
        return beats

    assert asyncio.run(scenario()) == ["once", "thrice", "thrice", "thrice"]
