"""How the audio of calls is carried: by the SIP stack, or not at all."""

from enum import StrEnum


class Media(StrEnum):
    """`pjsua2` sends and hears RTP; `none` negotiates it and has no socket, so that nothing is heard."""

    PJSUA2 = "pjsua2"
    NONE = "none"

    @property
    def dial_gap_s(self) -> float:
        """How far apart the calls of one worker are, on the mean.

        The library keeps a closed RTP socket for 500 ms, and aborts at 70 calls/s.
        """
        return 0.04 if self is Media.PJSUA2 else 0.0
