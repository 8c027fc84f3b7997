"""What the voice of calls costs and how exact it is: by our pump, by the SIP stack itself, and by SIPp.

All call the same answering side, which plays a voice to each. SIPp sends and never reads what comes.
"""

import argparse
import math
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import sipp
from benchmarks.capture import captured
from benchmarks.errors import BenchmarkError
from benchmarks.rtp import ports_of_callers, receive_error_ms, send_jitter_ms
from sip.answering_ears import Heard
from sip.answering_process import Answering
from sip.campaign import Campaign, Settings
from sip.errors import RingtimeError
from sip.media import Media
from sip.outcome import Outcome
from sip.phase import Limits
from sip.plan import Arrivals, Plan
from sip.pool import Pool
from sip.priority import raised_priority
from sip.record import CallRecord, Epoch
from sip.trunk import Trunk

_ARM = "a"
_RAMP_CPS = 100.0
_SETTLES_S = 2.0  # until the last call is up
_LEFT_S = 1.0  # until the first one ends, once that has been looked at
_PATIENCE_S = 30.0
_FRAMES_OF_SIPP = 250
_CAPTURED = 50  # calls; what goes to the far end's ports of that kind doubles them


@dataclass(frozen=True, slots=True)
class _Load:
    """So many calls, all up for so long."""

    calls: int
    seconds: float

    @property
    def ramp_s(self) -> float:
        return self.calls / _RAMP_CPS

    @property
    def hold_s(self) -> float:
        return self.ramp_s + self.seconds + _SETTLES_S + _LEFT_S

    @property
    def since_s(self) -> float:
        """From the first call on; the CPU time is looked at then, and `seconds` later."""
        return self.ramp_s + _SETTLES_S


@dataclass(frozen=True, slots=True)
class _Carried:
    """The calls of one load, those of them that were `up` from one look to the other, and what each cost."""

    records: Sequence[CallRecord]
    epoch: Epoch
    up: int
    cpu_ms_per_call_s: float


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument(
        "--calls", type=int, default=1000, metavar="N", help="up at once (default: %(default)d)"
    )
    parser.add_argument(
        "--seconds", type=float, default=20.0, metavar="S", help="with all of them up (default: %(default)g)"
    )


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One line: three callers without a capture, then our pump once more beside one.

    Raises:
        BenchmarkError: Packets cannot be captured here, SIPp is missing, or there was no call.
    """
    if options.calls < 1 or options.seconds <= 0:
        raise BenchmarkError("nothing to measure: give more --calls or --seconds")
    load = _Load(options.calls, options.seconds)
    with tempfile.TemporaryDirectory(prefix="ringtime-benchmark-") as name:
        folder = Path(name)
        try:
            with _far_end(folder) as far_end:
                pump = _carried(load, far_end.trunk, Media.PUMP, folder)
            heard = far_end.heard or Heard()
            with _far_end(folder) as far_end:
                pjsua2 = _carried(load, far_end.trunk, Media.PJSUA2, folder)
            sipp_ms = _cpu_of_sipp(load, folder)
            exact = _exact(load, folder)
        except RingtimeError as error:
            raise BenchmarkError(str(error)) from error
    answered = [record for record in pump.records if record.rtp is not None]
    yield {
        "calls": pump.up,
        "seconds": load.seconds,
        "lost": sum(record.outcome is not Outcome.ANSWERED for record in pump.records),
        "packets_lost": sum(record.rtp.lost for record in answered if record.rtp),
        "packets_lost_at_far_end": heard.lost,
        "cpu_ms_per_call_s": round(pump.cpu_ms_per_call_s, 3),
        "pjsua2_cpu_ms_per_call_s": round(pjsua2.cpu_ms_per_call_s, 3),
        "sipp_cpu_ms_per_call_s": round(sipp_ms, 3),
        "ratio_to_pjsua2": _ratio(pump.cpu_ms_per_call_s, pjsua2.cpu_ms_per_call_s),
        "ratio_to_sipp": _ratio(pump.cpu_ms_per_call_s, sipp_ms),
        **exact,
    }


def _far_end(folder: Path) -> Answering:
    return Answering(["--ring", "0", "--media", "play"], log=folder / "answering.log")


def _carried(load: _Load, trunk: Trunk, media: Media, folder: Path) -> _Carried:
    limits = Limits(hold_s=load.hold_s, ring_timeout_s=_PATIENCE_S, setup_timeout_s=_PATIENCE_S)
    plan = Plan(
        calls=load.calls, calls_per_second=_RAMP_CPS, arms=(_ARM,), seed=1, arrivals=Arrivals.CONSTANT
    )
    records: list[CallRecord] = []
    looks: list[tuple[float, float]] = []
    with Pool(trunk, log_folder=folder, concurrent=load.calls, media=media) as pool, raised_priority():
        epoch = Epoch.now()
        settings = Settings(run_id="media", numbers={_ARM: "100"}, limits=limits)
        campaign = Campaign(pool, settings, epoch=epoch, worker="w", on_record=records.append)
        begun_s = time.monotonic()
        campaign.place(plan.dials(), start_s=begun_s)
        due_s = [begun_s + load.since_s, begun_s + load.since_s + load.seconds, math.inf]
        while not campaign.done:
            now_s = time.monotonic()
            wake_s = campaign.step(now_s)
            if now_s >= due_s[len(looks)]:
                looks.append((now_s, _cpu_s([os.getpid(), *(one.pid for one in pool.health().processes)])))
            pool.wait(min(wake_s, due_s[len(looks)]) - time.monotonic())
    if len(looks) < 2:
        raise BenchmarkError(f"the calls ended before their time, the first as {records[0].outcome}")
    (since_s, _), (until_s, _) = looks
    up = sum(_is_up(record, since_s - epoch.monotonic, until_s - epoch.monotonic) for record in records)
    if up == 0:
        first = records[0]
        raise BenchmarkError(
            f"no call was up all the time, the first ended as {first.outcome} ({first.error})"
        )
    return _Carried(records, epoch, up, _cpu_ms_per_call_s(looks, up))


def _is_up(record: CallRecord, since_s: float, until_s: float) -> bool:
    is_whole = record.answered_s is not None and record.bye_s is not None
    return is_whole and (record.answered_s or 0.0) <= since_s and (record.bye_s or 0.0) >= until_s


def _cpu_ms_per_call_s(looks: Sequence[tuple[float, float]], calls: int) -> float:
    """Of two looks at clock and CPU time."""
    (since_s, before_s), (until_s, after_s) = looks
    return 1e3 * (after_s - before_s) / ((until_s - since_s) * calls)


def _cpu_of_sipp(load: _Load, folder: Path) -> float:
    (folder / "stream.ulaw").write_bytes(bytes(range(160)) * _FRAMES_OF_SIPP)
    looks = []
    with (
        _far_end(folder) as far_end,
        sipp.streaming(
            far_end.trunk.sip_port,
            calls=load.calls,
            calls_per_second=_RAMP_CPS,
            hold_s=load.hold_s,
            folder=folder,
        ) as process,
    ):
        for wait_s in (load.since_s, load.seconds):
            time.sleep(wait_s)
            looks.append((time.monotonic(), _cpu_s([process.pid])))
    heard = far_end.heard or Heard()
    least = load.calls * load.seconds * 50 * 0.9
    if heard.received < least:
        raise BenchmarkError(f"SIPp sent {heard.received} packets, {least:.0f} at the least were due")
    return _cpu_ms_per_call_s(looks, load.calls)


def _exact(load: _Load, folder: Path) -> dict[str, Any]:
    """Of one call in so many, by its port, that the capture keeps up."""
    one_in = 2 * max(1, load.calls // _CAPTURED)  # RTP has the even ports
    some = f"udp[0:2] % {one_in} = 0 or udp[2:2] % {one_in} = 0"
    with _far_end(folder) as far_end:
        port = far_end.trunk.sip_port
        with captured(port, some) as packets:
            carried = _carried(load, far_end.trunk, Media.PUMP, folder)
    ports = {
        call_id: at for call_id, at in ports_of_callers(packets, far_port=port).items() if at % one_in == 0
    }
    jitter_ms = send_jitter_ms(packets, ports.values())
    errors_ms = receive_error_ms(packets, ports, carried.records, carried.epoch)
    if not jitter_ms or not errors_ms:
        raise BenchmarkError("no call's voice was captured: give more --calls")
    return {
        "captured_calls": len(errors_ms),
        "send_jitter_ms": _sizes(jitter_ms),
        "receive_error_ms": _sizes(errors_ms),
    }


def _cpu_s(pids: Sequence[int]) -> float:
    total = 0.0
    for pid in pids:
        with suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system
    return total


def _ratio(ours: float, theirs: float) -> float | None:
    return round(ours / theirs, 3) if theirs > 0 else None


def _sizes(values: Sequence[float]) -> dict[str, float]:
    sizes = sorted(map(abs, values))
    return {name: round(sizes[int(share * (len(sizes) - 1))], 4) for name, share in _SHARES.items()}


_SHARES = {"p50": 0.5, "p99": 0.99}
