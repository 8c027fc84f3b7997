"""A worker's pjsua2 endpoint: how the library is set up, and which connections it keeps."""

from collections.abc import Callable
from typing import Any

import pjsua2
from pjsua2 import pjsua2 as bindings

from sip.media import Media
from sip.native import Library
from sip.tls import Tls, is_named
from sip.voice import RATE_HZ

_PCMA = "PCMA/8000/1"
_CODECS = {"PCMU/8000/1": 255, _PCMA: 254}  # by priority; no others are offered
_NAMES = (pjsua2.PJ_SSL_CERT_NAME_DNS, pjsua2.PJ_SSL_CERT_NAME_IP)


class Endpoint(pjsua2.Endpoint):  # type: ignore[misc]
    """The library, initialised: all that workers have alike, so that it is made once, before they are forked.

    Each of them has it `begin`; connections are then kept until they end, so that no call has to wait for one
    that was let go.

    The library's own check knows no name with a `*`, so it is told to let everybody pass, and its findings
    are judged here, before the first message leaves.
    """

    def __init__(self) -> None:
        super().__init__()
        self.libCreate()
        self.libInit(_configuration())
        self.library = Library(bindings._pjsua2.__file__)  # noqa: SLF001 - where the wheel keeps its C library
        self.library.keep_to_udp()
        for codec in self.codecEnum2():
            self.codecSetPriority(codec.codecId, _CODECS.get(codec.codecId, 0))

    def begin(self, host: str, tls: Tls | None, media: Media, on_distrust: Callable[[str], None]) -> None:
        """Start it in a process of its own; `on_distrust` is told why a connection to `host` was given up."""
        self._held: set[int] = set()
        self._host = host
        self._trusting = tls is not None and tls.insecure
        self._on_distrust = on_distrust
        self.library.seed()
        self.library.watch_requests()
        self.libStart()
        if media is not Media.PJSUA2:
            self.library.stop_the_clock()
        else:
            self.audDevManager().setNullDev()
        if media is not Media.PUMP:
            # What the SIP stack carries itself it hears as PCMU alone: decoding is what it costs.
            self.codecSetPriority(_PCMA, 0)

    def onTransportState(self, prm: Any) -> None:  # noqa: N802 - pjsua2's name
        """A connection came up or went; those to a stranger are shut before anything is said on them."""
        connection = int(prm.hnd)
        if prm.state == pjsua2.PJSIP_TP_STATE_CONNECTED and connection not in self._held:
            if wrong := self._wrong(prm):
                self.transportShutdown(prm.hnd)
                self._on_distrust(wrong)
            else:
                self._held.add(connection)
                self.library.hold(connection)
        elif prm.state == pjsua2.PJSIP_TP_STATE_DISCONNECTED and connection in self._held:
            self._held.remove(connection)
            self.library.release(connection)

    def _wrong(self, prm: Any) -> str:
        """What is wrong with the certificate at a connection's other end, if it has to have one."""
        if self._trusting or prm.type != "TLS":
            return ""
        found, wrong = prm.tlsInfo, prm.tlsInfo.verifyStatus
        if wrong == pjsua2.PJ_SSL_CERT_EIDENTITY_NOT_MATCH:
            names = (each.name for each in found.remoteCertInfo.subjectAltName if each.type in _NAMES)
            wrong = 0 if is_named(self._host, names) else wrong
        return "; ".join(found.verifyMsgs) if wrong else ""


def _configuration() -> pjsua2.EpConfig:
    config = pjsua2.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 2
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.userAgent = "ringtime"
    config.medConfig.hasIoqueue = False
    config.medConfig.threadCnt = 0
    config.medConfig.clockRate = config.medConfig.sndClockRate = RATE_HZ
    config.medConfig.audioFramePtime = config.medConfig.ptime = 20
    config.medConfig.quality = 1
    config.medConfig.ecTailLen = 0
    config.medConfig.noVad = True  # every 20 ms a packet, speech or not
    return config
