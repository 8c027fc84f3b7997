"""Records of calls: a line of a calls file, and many of them as columns."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from operator import attrgetter

import msgspec
import numpy as np
import pandas as pd

from analysis.columns import floats


class Format(msgspec.Struct):
    """What even a later version's first line says."""

    format: int


class Header(Format):
    """The first line of a calls file: how its clock stands to wall time and to the master's."""

    unix: float
    master_offset_s: float
    master_offset_error_s: float


class Closing(msgspec.Struct):
    """Its last line."""

    closed: bool
    count: int


class Rtp(msgspec.Struct, gc=False):
    """What a record says of the call's packets."""

    sent: float | None = None
    received: float | None = None
    lost: float | None = None
    reordered: float | None = None
    duplicates: float | None = None
    jitter_ms: float | None = None
    rtt_ms: float | None = None
    mos: float | None = None


class Heard(msgspec.Struct, gc=False):
    """What a record says of what the caller heard."""

    late: float | None = None
    burst_ratio: float | None = None
    gap_s: float | None = None
    last_audible_s: float | None = None
    clipped_share: float | None = None
    phrases: float | None = None
    unanswered: float | None = None
    waiting_s: float | None = None
    talk_over_s: float | None = None
    strangers: float | None = None
    far_end_lost: float | None = None


class Record(msgspec.Struct, gc=False):
    """A call (schemas/calls.json), as far as it is read."""

    call_id: str
    arm: str
    block: int
    warm_up: bool
    due_s: float
    outcome: str
    status_is_local: bool
    number: str | None = None
    profile: str | None = None
    invite_s: float | None = None
    trying_s: float | None = None
    ringing_s: float | None = None
    answered_s: float | None = None
    first_packet_s: float | None = None
    first_audio_s: float | None = None
    cancel_s: float | None = None
    bye_s: float | None = None
    bye_answered_s: float | None = None
    ended_s: float | None = None
    silent: bool | None = None
    sip_status: float | None = None
    sip_reason: str | None = None
    sip_call_id: str | None = None
    ended_by: str | None = None
    worker: str | None = None
    error: str | None = None
    response_s: tuple[float, ...] = ()
    rtp: Rtp | None = None
    heard: Heard | None = None
    recording: str | None = None


_OWN = ("call_id", "sip_call_id", "recording")
_SHARED = ("arm", "number", "profile", "outcome", "sip_reason", "ended_by", "worker", "error")
_TIMES = tuple(name for name in Record.__struct_fields__ if name.endswith("_s") and name != "response_s")
_NO_RTP = Rtp()
_NOT_HEARD = Heard()
RECORD = msgspec.json.Decoder(Record)
_frame = msgspec.json.Decoder(Header), msgspec.json.Decoder(Closing), msgspec.json.Decoder(Format)


def frame_of(line: bytes) -> Header | Closing | Format:
    """A line around the records; raises `msgspec.DecodeError` where it is none."""
    header, closing, later = _frame
    with suppress(msgspec.DecodeError):
        return header.decode(line)
    with suppress(msgspec.DecodeError):
        return closing.decode(line)
    return later.decode(line)


def records_table(batches: Iterable[Sequence[Record]]) -> pd.DataFrame:
    """A row a record, in their order; no more than one batch is held as records and as rows at a time."""
    texts: dict[str | None, str | None] = {}
    tables = [_table(batch, texts) for batch in batches]
    return pd.concat(tables or [_table([], texts)], ignore_index=True)


def _table(records: Sequence[Record], texts: dict[str | None, str | None]) -> pd.DataFrame:
    """Their columns; `texts` are those met before: each is kept once, in however many calls it occurs."""
    parts = [
        floats(records, [*_TIMES, "sip_status"]),
        floats([record.rtp or _NO_RTP for record in records], Rtp.__struct_fields__).add_prefix("rtp_"),
        floats([record.heard or _NOT_HEARD for record in records], Heard.__struct_fields__).add_prefix(
            "heard_"
        ),
    ]
    columns = {name: list(map(attrgetter(name), records)) for name in _OWN}
    for name in _SHARED:
        values = list(map(attrgetter(name), records))
        columns[name] = list(map(texts.setdefault, values, values))
    parts.append(pd.DataFrame(columns, dtype="str"))
    parts.append(
        pd.DataFrame(
            {
                # The slowest of a call: one value a call, as with everything that is judged.
                "response_s": [max(record.response_s, default=np.nan) for record in records],
                "silent": np.array([record.silent for record in records], dtype=object),
                "block": np.array([record.block for record in records], dtype="int64"),
                "warm_up": np.array([record.warm_up for record in records], dtype=bool),
                "status_is_local": np.array([record.status_is_local for record in records], dtype=bool),
            }
        )
    )
    return pd.concat(parts, axis=1)
