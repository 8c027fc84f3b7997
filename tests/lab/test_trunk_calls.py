"""Facts about what is gathered from the log of a trunk."""

import json
from pathlib import Path

import jsonschema

from lab.trunk_calls import trunk_calls, write_trunk_calls
from tests.locust_command import lines, schema

# As livekit-sip v1.11.0 writes them: pkg/sip/inbound.go gives the logger its fields,
# pkg/sip/signaling_timestamps.go and pkg/sip/media_port.go those of the two lines.
LIVEKIT_SIP = r"""
{"level":"info","ts":1755000000.101,"logger":"sip","caller":"sip/inbound.go:301","msg":"processing invite","nodeID":"NE_x","callID":"SCL_a","traceID":"t","sipCallID":"one@caller","fromIP":"127.0.0.1","fromUser":"7977","direction":"inbound"}
{"level":"info","ts":1755000004.62,"logger":"sip","caller":"sip/signaling_timestamps.go:78","msg":"signaling timestamps","nodeID":"NE_x","callID":"SCL_a","sipCallID":"one@caller","fromUser":"7977","inviteToTryingMs":0,"inviteToRingingMs":4,"inviteToAcceptMs":431}
{"level":"info","ts":1755000004.63,"logger":"sip","caller":"sip/inbound.go:960","msg":"call statistics","nodeID":"NE_x","callID":"SCL_a","sipCallID":"one@caller","stats":{"port":{"streams":1,"packets":203,"packets_ignored":0,"audio_packets":201,"audio_bytes":32160},"room":{"input_packets":199},"mixer":{"tracks":0},"closed":true}}
{"level":"info","ts":1755000019.0,"logger":"sip","caller":"sip/signaling_timestamps.go:78","msg":"signaling timestamps","nodeID":"NE_x","callID":"SCL_b","sipCallID":"two@caller","inviteToTryingMs":1,"inviteToRingingMs":5}
"""  # noqa: E501

EMBEDDED = r"""
{"ready": true, "sip_port": 45566, "version": "aiosipua 0.7.1"}
{"level": "info", "ts": 1795354829.4, "logger": "lab.trunk.call", "msg": "signaling timestamps", "callID": "SCL_c", "callIDFull": "three", "inviteToTryingMs": 0.258, "inviteToRingingMs": 6.05, "inviteToAcceptMs": 586.489}
{"level": "info", "ts": 1795354833.4, "logger": "lab.trunk.call", "msg": "call ended: caller-bye", "callID": "SCL_c", "callIDFull": "three", "inviteToTryingMs": 0.258}
"""  # noqa: E501


def test_livekit_sips_two_lines_of_a_call_become_one_record() -> None:
    """Milliseconds become seconds, RTP packets are those with audio, the caller's number is left out."""
    answered, rang = trunk_calls(LIVEKIT_SIP.splitlines())

    assert answered == {
        "sip_call_id": "one@caller",
        "trying_s": 0.0,
        "ringing_s": 0.004,
        "answered_s": 0.431,
        "rtp_received": 201,
    }
    assert (rang["sip_call_id"], rang["answered_s"], rang["rtp_received"]) == ("two@caller", None, None)


def test_the_embedded_trunk_is_read_alike() -> None:
    """It names the Call-ID as the participant's attribute does, and counts fractions of a millisecond."""
    (call,) = trunk_calls(EMBEDDED.splitlines())

    assert (call["sip_call_id"], call["ringing_s"], call["answered_s"]) == ("three", 0.00605, 0.586489)


def test_of_a_challenged_call_the_invite_with_credentials_counts() -> None:
    """Both INVITEs carry one Call-ID; the trunk takes the call up with the second."""
    refused = LIVEKIT_SIP.splitlines()[2].replace('"inviteToRingingMs":4,"inviteToAcceptMs":431', '"x":1')

    (call,) = trunk_calls([refused, LIVEKIT_SIP.splitlines()[2]])

    assert call["ringing_s"] == 0.004


def test_a_line_that_was_cut_costs_its_call_alone() -> None:
    """A trunk that was killed leaves half a line."""
    calls = trunk_calls([LIVEKIT_SIP.splitlines()[2][:-40], *LIVEKIT_SIP.splitlines()[4:]])

    assert [call["sip_call_id"] for call in calls] == ["two@caller"]


def test_the_file_is_as_its_schema_says(tmp_path: Path) -> None:
    """One line a call."""
    log, out = tmp_path / "trunk.log", tmp_path / "trunk-calls.jsonl"
    log.write_text(LIVEKIT_SIP + EMBEDDED)

    write_trunk_calls(log, out)

    assert len(lines(out)) == 3
    for line in lines(out):
        jsonschema.validate(line, schema("trunk-calls"))
    assert "7977" not in json.dumps(lines(out))


def test_a_trunk_that_took_no_call_leaves_no_file(tmp_path: Path) -> None:
    """Nothing to read is nothing written."""
    log, out = tmp_path / "trunk.log", tmp_path / "trunk-calls.jsonl"
    log.write_text('{"ready": true}\n')

    write_trunk_calls(log, out)

    assert not out.exists()
