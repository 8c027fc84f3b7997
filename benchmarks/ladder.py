"""What was on the wire of each call, and how far its record is from that."""

import enum
import re
from collections.abc import Iterable, Mapping

from benchmarks.capture import Packet
from benchmarks.errors import BenchmarkError
from sip.record import CallRecord, Epoch

_CALL_ID = re.compile(rb"^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_CSEQ_METHOD = re.compile(rb"^CSeq[ \t]*:[ \t]*\d+[ \t]+(\w+)", re.IGNORECASE | re.MULTILINE)


class Step(enum.StrEnum):
    """A message of the caller's side of a call; named as the times of its record."""

    INVITE = "invite"
    TRYING = "trying"
    RINGING = "ringing"
    ANSWERED = "answered"
    CANCEL = "cancel"
    BYE = "bye"
    BYE_ANSWERED = "bye_answered"


Ladder = Mapping[Step, int]
"""When each step was first on the wire, in nanoseconds of the wall clock."""


def ladders(packets: Iterable[Packet], *, far_port: int) -> Mapping[str, Ladder]:
    """The ladder of each call by its Call-ID; what the far end asks of the caller is no step."""
    found: dict[str, dict[Step, int]] = {}
    for packet in packets:
        call_id = _CALL_ID.search(packet.payload)
        step = _request(packet) if packet.to_port == far_port else _response(packet)
        if call_id is not None and step is not None:
            found.setdefault(call_id[1].decode(), {}).setdefault(step, packet.at_ns)
    return found


def _request(packet: Packet) -> Step | None:
    return _REQUESTS.get(packet.payload.partition(b" ")[0])


_REQUESTS = {b"INVITE": Step.INVITE, b"CANCEL": Step.CANCEL, b"BYE": Step.BYE}


def _response(packet: Packet) -> Step | None:
    version, _, rest = packet.payload.partition(b" ")
    method = _CSEQ_METHOD.search(packet.payload)
    if version != b"SIP/2.0" or method is None:
        return None
    status = int(rest[:3])
    if method[1] == b"BYE" and status >= 200:
        return Step.BYE_ANSWERED
    if method[1] != b"INVITE" or status >= 300:
        return None
    if status == 100:
        return Step.TRYING
    return Step.RINGING if status < 200 else Step.ANSWERED


def errors_ms(
    records: Iterable[CallRecord], seen: Mapping[str, Ladder], since: Step, until: Step
) -> list[float]:
    """By how much the time between two steps is longer on record than it was on the wire, call by call.

    Raises:
        BenchmarkError: A call lacks one of the steps, on record or on the wire.
    """
    found = []
    for record in records:
        ladder = seen.get(record.sip_call_id or "", {})
        if since not in ladder or until not in ladder:
            raise BenchmarkError(f"the capture lacks {since} or {until} of call {record.call_id}")
        told_s = _on_record_s(record, until) - _on_record_s(record, since)
        found.append(told_s * 1e3 - (ladder[until] - ladder[since]) / 1e6)
    return found


def lateness_ms(
    records: Iterable[CallRecord], seen: Mapping[str, Ladder], step: Step, epoch: Epoch
) -> list[float]:
    """By how much the time of a step is later on record than it was on the wire, call by call.

    As exact as `epoch` is, the moment on both clocks from which the records count.
    """
    return [
        (epoch.unix - seen[record.sip_call_id or ""][step] / 1e9 + _on_record_s(record, step)) * 1e3
        for record in records
    ]


def _on_record_s(record: CallRecord, step: Step) -> float:
    told_s: float | None = getattr(record, f"{step}_s")
    if told_s is None:
        raise BenchmarkError(f"call {record.call_id} has no {step} on record")
    return told_s
