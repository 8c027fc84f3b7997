"""What the trunk's own log says of each call, by SIP Call-ID."""

from collections.abc import Iterable, Mapping

import pandas as pd

COLUMNS = ("trunk_ringing_s", "trunk_answered_s", "trunk_rtp_received")
_FIELDS = ("ringing_s", "answered_s", "rtp_received")


def trunk_table(calls: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """One row a call of trunk-calls.jsonl; its times count from the INVITE, on the trunk's clock."""
    rows = [(call.get("sip_call_id"), *(call.get(name) for name in _FIELDS)) for call in calls]
    table = pd.DataFrame.from_records(rows, columns=["sip_call_id", *COLUMNS])
    table = table.astype({"sip_call_id": object} | dict.fromkeys(COLUMNS, "float64"))
    return table.dropna(subset="sip_call_id").drop_duplicates("sip_call_id", keep="last")
