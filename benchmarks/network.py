"""The emulated network at a steady rate of packets: its CPU, how exact its delays are, losses set and got.

Each rate is carried under a constant delay and under everything at once; its peers are the relay, and the
kernel's netem where there is one.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import datagrams
from benchmarks.busy import busy
from benchmarks.errors import BenchmarkError
from benchmarks.packets import PORT
from network import language
from network.errors import NetworkError
from network.executor import InNamespaces, Wire
from network.ledger import quantiles_ms, summary
from network.netem_run import Netem, missing_for_netem
from network.profile import Leg
from network.relay import Host
from network.relaying import Relaying
from network.topology import SIP, Place, caller

_RATES = (1000, 10_000, 30_000)
_MEASURED_FLOWS = 10  # of voice, both ways: 1000 packets/s, the rest is load
_MEASURED_PER_S = 1000
_LOAD_ADDRESSES = range(100, 200)  # callers' numbers, apart from those that are measured
_RELAY_HOSTS = 50
_RELAY_FAR, _RELAY_ALIAS = "127.19.3.1", "127.19.3.2"
_TAKER = """
import signal, socket, sys
with socket.socket(type=socket.SOCK_DGRAM) as taker:
    taker.bind((sys.argv[1], int(sys.argv[2])))
    signal.pause()
"""  # reads nothing: what does not fit in is dropped, where without it each packet would be refused
_PROFILES = {
    "constant": "[both]\ndelay_ms = 50\n",
    "bursts": """[both]
delay_ms = 50
loss = { rate = 0.05, mean_burst = 5 }
""",
    "full": """[both]
delay_ms = 50
jitter = { pareto_ms = 8, time_constant_ms = 60 }
loss = { rate = 0.05, mean_burst = 5 }
outages = { per_s = 0.001, from_ms = 40, to_ms = 200 }
rate_kbps = 20000
retransmission = { rate = 0.05, by_ms = 8 }
reorder = { rate = 0.005, by_ms = 30 }
duplicate = 0.001
mtu_bytes = 1400
""",
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument(
        "--packets-per-second",
        type=int,
        nargs="+",
        default=list(_RATES),
        metavar="N",
        help=f"rates to carry, both directions together (default: {' '.join(map(str, _RATES))})",
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, metavar="S", help="of each measurement (default: %(default)g)"
    )
    parser.add_argument(
        "--busy",
        type=int,
        default=0,
        metavar="N",
        help="processes that do nothing but use the CPU beside it (default: %(default)d)",
    )


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One line for each rate and profile.

    Raises:
        BenchmarkError: The machine lacks what an executor needs, or a rate is too low to be measured.
    """
    if min(options.packets_per_second) < _MEASURED_PER_S:
        raise BenchmarkError(
            f"a rate must be {_MEASURED_PER_S} packets/s or more, since so many are measured"
        )
    has_netem = not missing_for_netem()
    with tempfile.TemporaryDirectory(prefix="ringtime-benchmark-") as folder, busy(options.busy):
        for name, text in _PROFILES.items():
            path = Path(folder) / f"{name}.toml"
            path.write_text(f'title = "{name}"\nsource = "this benchmark"\n{text}')
            for rate in options.packets_per_second:
                try:
                    for line in _carried(name, path, rate, options.seconds, has_netem=has_netem):
                        yield line | {"busy": options.busy}
                except NetworkError as error:
                    raise BenchmarkError(str(error)) from None


def _carried(
    name: str, path: Path, packets_per_s: int, seconds: float, *, has_netem: bool
) -> Iterator[dict[str, Any]]:
    """By each executor that has the profile."""
    if name != "bursts":
        yield _between_namespaces(Wire, path, packets_per_s, seconds)
    if name == "constant":
        yield _relay(path, packets_per_s, seconds)
    if name != "full" and has_netem:
        yield _between_namespaces(Netem, path, packets_per_s, seconds)


def _between_namespaces(
    made: type[InNamespaces], path: Path, packets_per_s: int, seconds: float
) -> dict[str, Any]:
    profile = language.load(str(path))
    journal = path.with_suffix(f".{made.executor}.{packets_per_s}.jsonl")
    with made(str(path), seed=1, out=journal) as emulation:
        emulation.begin()
        with _load(emulation, packets_per_s - _MEASURED_PER_S):
            kernel_s, begun_s = _kernel_s(), time.monotonic()
            passages = emulation.measure(Leg.CALLER, flows=_MEASURED_FLOWS, for_s=seconds)
            kernel_share = (_kernel_s() - kernel_s) / (time.monotonic() - begun_s)
    found = summary(passages)
    carried_per_s, cpu_share = _steady(journal, passages[0].sent_s + 1, passages[-1].sent_s)
    loss = profile.up.loss
    return {
        "executor": made.executor,
        "profile": path.stem,
        "priority": emulation.priority,
        "packets_per_s": packets_per_s,
        "carried_per_s": round(carried_per_s),
        "cpu_share": round(cpu_share, 3),
        "kernel_share": round(kernel_share, 3),
        "delay_error_ms": found["delay_error_ms"],
        "loss_set": loss.rate if loss is not None else 0.0,
        "loss_got": round(found["lost"] / found["sent"], 5),
        "burst_set": loss.mean_burst if loss is not None else None,
        "burst_got": None if found["burst"] is None else round(found["burst"], 3),
        "not_as_asked": found["not_as_asked"] if emulation.is_seeded else None,
    }


def _kernel_s() -> float:
    """Time the machine's processors were in soft interrupts (proc(5)): netem's work, and all networks'."""
    softirq = Path("/proc/stat").read_text().split(maxsplit=8)[7]
    return int(softirq) / os.sysconf("SC_CLK_TCK")


def _steady(journal: Path, first_s: float, last_s: float) -> tuple[float, float]:
    """Packets and CPU-seconds a second, in the seconds that lie wholly within the measurement."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    steady = [line for line in lines if first_s <= line["at_s"] <= last_s]
    cpu_s = [line["cpu_s"] for line in steady if line["kind"] == "executor"]
    if not cpu_s:
        raise BenchmarkError("the measurement was too short: --seconds 4 or more")
    return sum(line.get("offered", 0) for line in steady) / len(cpu_s), sum(cpu_s) / len(cpu_s)


@contextmanager
def _load(emulation: InNamespaces, packets_per_s: int) -> Iterator[None]:
    """Packets of voice from callers to the core that nobody measures."""
    if not packets_per_s:
        yield
        return
    taker = emulation.start(Place.CORE, [sys.executable, "-c", _TAKER, str(SIP), str(PORT)])
    sources = [str(caller(number)) for number in _LOAD_ADDRESSES]
    command = [sys.executable, "-m", "benchmarks.packets", str(SIP), str(packets_per_s), *sources]
    loader = emulation.start(Place.CALLERS, command, cwd=Path(__file__).parents[1])
    try:
        yield
        if loader.poll() is not None:
            raise BenchmarkError(f"the load ended with exit code {loader.returncode}")
    finally:
        for each in (loader, taker):
            each.kill()
            each.wait()


def _relay(path: Path, packets_per_s: int, seconds: float) -> dict[str, Any]:
    profile = language.load(str(path))
    journal = path.with_suffix(f".relay.{packets_per_s}.jsonl")
    near = [
        Host(address=f"127.19.1.{number}", alias=f"127.19.2.{number}", udp=(PORT,))
        for number in range(1, _RELAY_HOSTS + 1)
    ]
    with ExitStack() as stack:
        load, measured = (_datagrams(stack, _RELAY_FAR, port) for port in (PORT, 0))
        voices = [_datagrams(stack, "127.19.1.1", 0) for _ in range(_MEASURED_FLOWS)]
        ports = tuple(each.getsockname()[1] for each in voices)
        near[0] = replace(near[0], udp=(PORT, *ports))
        target = (_RELAY_ALIAS, measured.getsockname()[1])
        far = Host(address=_RELAY_FAR, alias=_RELAY_ALIAS, udp=(load.getsockname()[1], target[1]))
        relay = stack.enter_context(Relaying([profile], near=near, far=far, seed=1, out=journal))
        relay.begin()
        rate = packets_per_s - _MEASURED_PER_S // 2  # one way only
        command = [sys.executable, "-m", "benchmarks.packets", _RELAY_ALIAS, str(rate)]
        stack.enter_context(_until_left([*command, *(host.address for host in near)]))
        sent, delays_s = datagrams.delays_s(voices, measured, target, for_s=seconds)
    carried_per_s, cpu_share = _steady(journal, 1.0, seconds)
    errors_s = sorted(abs(delay_s - profile.up.delay_ms / 1000) for delay_s in delays_s)
    return {
        "executor": "relay",
        "profile": path.stem,
        "priority": relay.priority,
        "packets_per_s": packets_per_s,
        "carried_per_s": round(carried_per_s),
        "cpu_share": round(cpu_share, 3),
        "delay_error_ms": quantiles_ms(errors_s),
        "loss_set": 0.0,
        "loss_got": round(1 - len(delays_s) / sent, 5),
        "burst_set": None,
        "burst_got": None,
    }


def _datagrams(stack: ExitStack, address: str, port: int) -> socket.socket:
    made = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    try:
        made.bind((address, port))
    except OSError as error:
        raise BenchmarkError(f"{address} port {port} cannot be had: {error.strerror}") from None
    return made


@contextmanager
def _until_left(command: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    try:
        yield
    finally:
        process.kill()
        process.wait()
