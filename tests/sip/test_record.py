"""The record, the run's folder and its files."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sip.errors import RunFolderError
from sip.heard import Heard, RtpStats
from sip.outcome import Outcome
from sip.plan import Dial
from sip.record import CallRecord, CallsFile, Epoch, HealthFile, RunFolder
from sip.undialled import never_dialled

SCHEMAS = Path(__file__).parents[2] / "schemas"
RTP = RtpStats(sent=250, received=249, lost=1, reordered=0, duplicates=0, jitter_ms=0.4, rtt_ms=None)

HEARD = Heard(
    late=2,
    burst_ratio=1.25,
    gap_s=0.0600004,
    audible_s=3.5,
    last_audible_s=5.25,
    clipped_share=0.0,
    phrases=3,
    unanswered=0,
    waiting_s=0.5,
    talk_over_s=0.25,
    strangers=0,
    far_end_lost=None,
)


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a file of the run folder."""
    read: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())
    return read


def lines(path: Path) -> list[dict[str, Any]]:
    """All lines of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def answered(number: str = "+15550100001") -> CallRecord:
    """The record of a call that went well."""
    return CallRecord(
        call_id="run-0",
        arm="bounded",
        block=0,
        warm_up=False,
        number=number,
        profile="clean",
        due_s=1.0000001,
        invite_s=1.002,
        trying_s=1.003,
        ringing_s=1.004,
        answered_s=1.5,
        first_packet_s=1.55,
        first_audio_s=1.6,
        response_s=(0.4, 0.5),
        cancel_s=None,
        bye_s=6.5,
        bye_answered_s=6.51,
        ended_s=6.51,
        due_unix=1.7e9,
        outcome=Outcome.ANSWERED,
        silent=False,
        sip_status=200,
        sip_reason="OK",
        status_is_local=False,
        sip_call_id="x@y",
        to_tag="SCL_1",
        ended_by="caller",
        rtp=RTP,
        heard=HEARD,
        recording=None,
        worker="local",
        error=None,
    )


def dropped() -> CallRecord:
    """The record of a dial that was not made."""
    return never_dialled(
        Dial(7, 2.0, "bounded", "clean", 1, warm_up=False, from_user="5"),
        call_id="run-7",
        number="100",
        due_s=102.0,
        epoch=Epoch(100.0, 1.7e9),
        worker="local",
        error="dropped: no free line",
    )


def test_every_line_of_a_calls_file_follows_its_schema(tmp_path: Path) -> None:
    """Header, records of calls with and without media, closing line."""
    with CallsFile(tmp_path, "local", Epoch(100.0, 1.7e9)) as file:
        file.add(answered())
        file.add(dropped())

    header, first, second, closing = lines(tmp_path / "calls-local.jsonl")
    for kind, line in (("header", header), ("record", first), ("record", second), ("closing", closing)):
        jsonschema.validate(line, {**schema("calls"), "oneOf": [{"$ref": f"#/$defs/{kind}"}]})
    assert first["response_s"] == [0.4, 0.5]
    assert first["due_s"] == 1.0
    assert closing == {"closed": True, "count": 2}


def test_a_record_is_one_line_of_plain_characters_in_the_order_of_its_schema(tmp_path: Path) -> None:
    """Times of the call to the microsecond, its wall time as it is, packets as they were counted."""
    with CallsFile(tmp_path, "local", Epoch(100.0, 1.7e9)) as file:
        file.add(replace(answered(), due_unix=1.7e9 + 1 / 3, response_s=(0.1234567,), sip_reason="Schön"))

    assert (tmp_path / "calls-local.jsonl").read_bytes().splitlines()[1] == (
        b'{"call_id":"run-0","arm":"bounded","block":0,"warm_up":false,"number":"+15550100001",'
        b'"profile":"clean","due_s":1.0,"invite_s":1.002,"trying_s":1.003,"ringing_s":1.004,"answered_s":1.5,'
        b'"first_packet_s":1.55,"first_audio_s":1.6,"response_s":[0.123457],"cancel_s":null,"bye_s":6.5,'
        b'"bye_answered_s":6.51,"ended_s":6.51,"due_unix":1700000000.3333333,"outcome":"answered",'
        b'"silent":false,"sip_status":200,"sip_reason":"Sch\\u00f6n","status_is_local":false,'
        b'"sip_call_id":"x@y","to_tag":"SCL_1","ended_by":"caller","rtp":{"sent":250,"received":249,"lost":1,'
        b'"reordered":0,"duplicates":0,"jitter_ms":0.4,"rtt_ms":null,"mos":null},"heard":{"late":2,'
        b'"burst_ratio":1.25,"gap_s":0.06,"audible_s":3.5,"last_audible_s":5.25,"clipped_share":0.0,'
        b'"phrases":3,"unanswered":0,"waiting_s":0.5,"talk_over_s":0.25,"strangers":0,"far_end_lost":null},'
        b'"recording":null,"worker":"local","error":null}'
    )


def test_a_dial_that_was_not_made_leaves_a_record_of_the_testers_failure() -> None:
    """It says why, and has no stamp but the due time and its end."""
    record = dropped()

    assert (record.outcome, record.error) == (Outcome.TESTER_FAILED, "dropped: no free line")
    assert (record.due_s, record.due_unix, record.invite_s) == (2.0, 1.7e9 + 2, None)


def test_a_record_is_on_disk_as_soon_as_it_is_added(tmp_path: Path) -> None:
    """Killing the worker loses no finished call, only the closing line."""
    file = CallsFile(tmp_path, "local", Epoch(100.0, 1.7e9))
    file.add(answered())

    assert [line.get("call_id") for line in lines(file.path)] == [None, "run-0"]
    file.close()


def test_odd_characters_of_a_sip_reason_do_not_break_the_file(tmp_path: Path) -> None:
    """Line separators and lone surrogates are escaped: a record is one line."""
    with CallsFile(tmp_path, "local", Epoch(100.0, 1.7e9)) as file:
        file.add(answered(number="a\u2028b\n\udcff"))

    assert lines(file.path)[1]["number"] == "a\u2028b\n\udcff"


def test_a_full_disk_is_one_clear_sentence_and_keeps_the_finished_calls(tmp_path: Path) -> None:
    """After a write failed, no closing line claims that the file is whole."""
    file = CallsFile(tmp_path, "local", Epoch(100.0, 1.7e9))
    file.add(answered())
    full = os.open("/dev/full", os.O_WRONLY)
    kept = os.dup(file._descriptor)
    os.dup2(full, file._descriptor)

    with pytest.raises(
        RunFolderError, match=r"No space is left for .*calls-local.jsonl; finished calls are kept"
    ):
        file.add(answered())

    os.dup2(kept, file._descriptor)
    os.close(kept)
    os.close(full)
    file.close()
    assert [line.get("call_id") for line in lines(file.path)] == [None, "run-0"]


def test_a_health_line_follows_its_schema(tmp_path: Path) -> None:
    """The file takes what the schema defines."""
    line = {
        "unix": 1.7e9,
        "processes": [{"name": "worker-0", "pid": 12, "cpu_share": 0.2}],
        "loop_lag_s": 0.001,
        "calls_up": 3,
        "dropped_dials": 0,
        "restarts": 0,
    }
    jsonschema.validate(line, schema("health"))
    with HealthFile(tmp_path, "local") as file:
        file.write(line)

    assert lines(tmp_path / "health-local.jsonl") == [line]


def test_a_new_folder_is_named_by_time_and_is_the_latest(tmp_path: Path) -> None:
    """The link moves to each new run."""
    first = RunFolder.create(tmp_path / "runs", now_unix=1_754_000_000)
    second = RunFolder.create(tmp_path / "runs", now_unix=1_754_000_000)

    assert first.run_id.startswith("20250731T221320Z-")
    assert first.run_id != second.run_id
    assert (tmp_path / "runs" / "latest").resolve() == second.path.resolve()
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == sorted(
        [first.run_id, second.run_id, "latest"]
    )


def test_run_json_is_completed_at_the_end(tmp_path: Path) -> None:
    """The keys that became known replace the old ones, the others stay, and no draft is left."""
    folder = RunFolder.create(tmp_path)
    folder.write_run({"state": "running", "seed": 7})
    folder.complete_run({"state": "complete"})

    assert json.loads((folder.path / "run.json").read_text()) == {"state": "complete", "seed": 7}
    assert [path.name for path in folder.path.iterdir()] == ["run.json"]


def test_a_folder_that_cannot_be_made_is_one_clear_sentence(tmp_path: Path) -> None:
    """The message names the path and the option."""
    (tmp_path / "runs").write_text("a file where the folder should be")

    with pytest.raises(RunFolderError, match="give a --run-dir that can be"):
        RunFolder.create(tmp_path / "runs")
