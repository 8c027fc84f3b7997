"""What the trunk's own log says of each call: a second clock beside the caller's."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# The SIP Call-ID as livekit-sip v1.11.0 logs it, and as the embedded trunk does.
_CALL_ID_FIELDS = ("sipCallID", "callIDFull")


def write_trunk_calls(log: Path, out: Path) -> None:
    """Gather the calls of a trunk's log into `out`; of a trunk that never took one there is no file."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        calls = trunk_calls(lines)
    if calls:
        out.write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")


def trunk_calls(lines: Iterable[str]) -> list[dict[str, object]]:
    """A record a SIP Call-ID, in the order of the log's lines "signaling timestamps" and "call statistics".

    livekit-sip counts whole milliseconds from the INVITE it took the call up with (its
    pkg/sip/signaling_timestamps.go): a challenged call's second one.
    """
    calls: dict[str, dict[str, object]] = {}
    for line in lines:
        if '"signaling timestamps"' not in line and '"call statistics"' not in line:
            continue  # livekit-sip says some thirty things of a call
        try:
            said = json.loads(line)
        except ValueError:
            continue  # cut by a full disk or a kill
        sip_call_id = next((said[name] for name in _CALL_ID_FIELDS if said.get(name)), None)
        if sip_call_id is None:
            continue
        call = calls.setdefault(
            sip_call_id,
            {
                "sip_call_id": sip_call_id,
                "trying_s": None,
                "ringing_s": None,
                "answered_s": None,
                "rtp_received": None,
            },
        )
        match said.get("msg"):
            case "signaling timestamps":
                call |= {
                    "trying_s": _seconds(said, "inviteToTryingMs"),
                    "ringing_s": _seconds(said, "inviteToRingingMs"),
                    "answered_s": _seconds(said, "inviteToAcceptMs"),
                }
            case "call statistics":
                call["rtp_received"] = said.get("stats", {}).get("port", {}).get("audio_packets")
    return list(calls.values())


def _seconds(said: Mapping[str, Any], name: str) -> float | None:
    milliseconds = said.get(name)
    return None if milliseconds is None else round(milliseconds / 1000, 6)
