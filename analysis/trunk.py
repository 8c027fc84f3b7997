"""What the trunk's own log says of each call, by SIP Call-ID."""

from collections.abc import Iterable, Sequence

import msgspec
import pandas as pd

from analysis.columns import floats


class TrunkCall(msgspec.Struct, gc=False):
    """A line of trunk-calls.jsonl (schemas/trunk-calls.json), as far as it is read."""

    sip_call_id: str
    ringing_s: float | None = None
    answered_s: float | None = None
    rtp_received: float | None = None


TRUNK_CALL = msgspec.json.Decoder(TrunkCall)
_NUMBERS = ("ringing_s", "answered_s", "rtp_received")


def trunk_table(batches: Iterable[Sequence[TrunkCall]]) -> pd.DataFrame:
    """One row a call of trunk-calls.jsonl; its times count from the INVITE, on the trunk's clock."""
    tables = [_table(batch) for batch in batches]
    table = pd.concat(tables or [_table([])], ignore_index=True)
    return table.drop_duplicates("sip_call_id", keep="last")


def _table(calls: Sequence[TrunkCall]) -> pd.DataFrame:
    ids = pd.Series([call.sip_call_id for call in calls], dtype=object)
    return floats(calls, _NUMBERS).add_prefix("trunk_").assign(sip_call_id=ids)
