"""What the call engine carries on this machine: calls at once, new calls a second, memory and CPU.

The peer is SIPp: the far end of all calls and, in the same run, the caller that the rates are held against.
"""

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import sipp
from benchmarks.climb import highest_kept
from benchmarks.errors import BenchmarkError
from benchmarks.placed import Load, Placed, place
from sip.media import Media

_RAMP_CPS = 100.0  # at which the calls that are to be up at once are placed
_HOLD_S = 0.0  # of the calls whose rate is sought
_WARM_UP_S = 2.0  # workers start meanwhile
_PRECISION = 1.1
_LEAST_CPS = 5.0
_MOST_CPS = 10_000.0  # what --calls-per-second takes
_FIRST_CPS = {Media.PUMP: 200.0, Media.PJSUA2: 200.0, Media.NONE: 500.0}


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument(
        "--calls", type=int, default=1000, metavar="N", help="up at once, with audio (default: %(default)d)"
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, metavar="S", help="with all of them up (default: %(default)g)"
    )
    parser.add_argument(
        "--step",
        type=float,
        default=4.0,
        metavar="S",
        help="for which each rate is tried; 0 tries none (default: %(default)g)",
    )
    parser.add_argument(
        "--media",
        choices=[Media.PUMP, Media.PJSUA2],
        default=Media.PUMP,
        help="what carries their voice (default: %(default)s)",
    )
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="of Locust (default: %(default)d)"
    )


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One line.

    Raises:
        BenchmarkError: SIPp is missing, or the tester did not come to its own end.
    """
    with tempfile.TemporaryDirectory(prefix="ringtime-benchmark-") as name:
        folder = Path(name)
        yield {
            **_at_once(options, folder),
            "media_cps": _rate(options, folder, Media(options.media)),
            "signalling_cps": _rate(options, folder, Media.NONE),
            "sipp_signalling_cps": _rate_of_sipp(options, folder),
        }


def _at_once(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    with sipp.answering(folder, "prompt", echo=True) as port:
        load = Load(
            port=port,
            calls=options.calls,
            calls_per_second=_RAMP_CPS,
            hold_s=options.calls / _RAMP_CPS + options.seconds,
            media=Media(options.media),
            processes=options.processes,
        )
        placed = place(load, folder, weigh=True)
    if placed.trouble is not None:
        raise BenchmarkError(f"{load.calls} calls at once came to no good end: {placed.trouble}")
    return {
        "calls": placed.calls_up,
        "lost": placed.lost,
        "seconds": options.seconds,
        "processes": options.processes,
        "media": options.media,
        "memory_mb": None if placed.memory_mb is None else round(placed.memory_mb),
        "cpu_ms_per_call_s": round(1000 * placed.cpu_s / (load.calls * load.hold_s), 3),
        "rtp_received_share": _heard(placed),
        "dial_lag_p99_ms": _ms(placed.dial_lag_p99_s),
        "loop_lag_p99_ms": _ms(placed.loop_lag_p99_s),
        "restarts": placed.restarts,
    }


def _heard(placed: Placed) -> float | None:
    """Packets that came of those that were sent, all of which come back: the median of the calls."""
    stats = [record["rtp"] for record in placed.records if record["rtp"]]
    return round(median(each["received"] / max(each["sent"], 1) for each in stats), 3) if stats else None


def _ms(seconds: float) -> float | None:
    return round(1000 * seconds, 2) if math.isfinite(seconds) else None


def _rate(options: argparse.Namespace, folder: Path, media: Media) -> float | None:
    """The highest rate at which no call is lost or late."""

    def keeps(calls_per_second: float) -> bool:
        with sipp.answering(folder, "prompt") as port:
            load = Load(
                port=port,
                calls=math.ceil(calls_per_second * options.step),
                warm_up=math.ceil(calls_per_second * _WARM_UP_S),
                calls_per_second=calls_per_second,
                hold_s=_HOLD_S,
                media=media,
                processes=options.processes,
            )
            return place(load, folder).kept

    return _sought(options, keeps, _FIRST_CPS[media])


def _rate_of_sipp(options: argparse.Namespace, folder: Path) -> float | None:
    """The highest rate at which SIPp loses none and is in time, with the same far end."""

    def keeps(calls_per_second: float) -> bool:
        with sipp.answering(folder, "prompt") as port:
            calls = math.ceil(calls_per_second * options.step)
            return sipp.keeps(port, calls=calls, calls_per_second=calls_per_second, folder=folder)

    return _sought(options, keeps, _FIRST_CPS[Media.NONE])


def _sought(options: argparse.Namespace, keeps: Callable[[float], bool], start: float) -> float | None:
    if options.step == 0:
        return None

    def keeps_it(rate: float) -> bool:
        return keeps(rate) or keeps(rate)  # for a moment, a machine that is not ours alone fails at any rate

    found = highest_kept(keeps_it, start=start, precision=_PRECISION, least=_LEAST_CPS, most=_MOST_CPS)
    return None if found is None else round(found, 1)
