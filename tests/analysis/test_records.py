"""Records as rows."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.load import load
from analysis.records import Record, Rtp, records_table


def _record(name: str, **more: object) -> Record:
    return Record(
        call_id=name, arm="a", block=1, warm_up=False, due_s=0.5, outcome="answered", status_is_local=False,
        **more,
    )  # fmt: skip


def test_batches_make_one_table_in_their_order() -> None:
    """What never happened is missing, in a number, a text and the packets alike."""
    heard = _record("2", rtp=Rtp(sent=250, jitter_ms=1.5), ringing_s=0.25, sip_reason="OK", silent=False)
    table = records_table([[_record("1")], [heard]])
    assert table["call_id"].tolist() == ["1", "2"]
    assert table["rtp_sent"].tolist()[1] == 250
    assert table.loc[0, ["rtp_sent", "ringing_s", "sip_reason", "silent"]].isna().all()
    assert (table["ringing_s"].dtype, table["sip_reason"].dtype) == (
        np.dtype("float64"),
        pd.StringDtype(na_value=np.nan),
    )


def test_no_record_makes_a_table_with_the_same_columns() -> None:
    """A run that was stopped before its first call is read like any other."""
    empty, full = records_table([]), records_table([[_record("1")]])
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


def test_a_record_that_lacks_what_every_call_has_is_counted_as_unreadable(
    write_run: Callable[..., Path],
) -> None:
    """No traceback and no row of guesses: the file is not whole. What a later version adds does no harm."""
    folder = write_run()
    path = folder / "calls-1.jsonl"
    header, first, second, third, *rest = path.read_text().splitlines()
    first = json.dumps({name: value for name, value in json.loads(first).items() if name != "arm"})
    second = json.dumps(json.loads(second) | {"due_s": "soon"})
    third = json.dumps(json.loads(third) | {"colour": "blue"})
    path.write_text("\n".join([header, first, second, third, *rest]) + "\n")
    run = load(folder)
    assert (len(run.calls), run.files[0].cut_lines, run.files[0].whole) == (62, 2, False)
