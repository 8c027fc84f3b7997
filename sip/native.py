"""What the worker needs of PJSIP's C interface, because pjsua2's own methods hide it.

`Call.hangup` reports the call's end before its CANCEL leaves and forgets the answer. Ending the INVITE
session itself keeps the events coming, and handles a 200 that crosses the CANCEL (RFC 3261 section 9.1).
"""

import ctypes
import os
import time
from typing import Any

_FRAME_BYTES = 320  # of the bridge: 20 ms of 16 bits at 8 kHz, as the endpoint is set up
_REQUEST_TIMEOUT = 408
_REQUEST_TERMINATED = 487
_NO_SWITCH_TO_TCP = (
    4  # place of `endpt.disable_tcp_switch` in pjsip_cfg_t, all of whose first members are int
)
_WATCHER_PRIORITY = 1  # the last one to see what is sent, right before the transport does
_ON_TX_REQUEST = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class _Module(ctypes.Structure):
    """pjsip_module."""

    _fields_ = (
        ("previous", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("name_length", ctypes.c_ssize_t),
        ("id", ctypes.c_int),
        ("priority", ctypes.c_int),
        ("load", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("unload", ctypes.c_void_p),
        ("on_rx_request", ctypes.c_void_p),
        ("on_rx_response", ctypes.c_void_p),
        ("on_tx_request", _ON_TX_REQUEST),
        ("on_tx_response", ctypes.c_void_p),
        ("on_tsx_state", ctypes.c_void_p),
    )


class _Frame(ctypes.Structure):
    """pjmedia_frame."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("timestamp", ctypes.c_uint64),
        ("bit_info", ctypes.c_uint32),
    )


class Library:
    """The few functions used, called on opaque pointers only; each on the worker's one thread."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        self._max_calls = _declare(library.pjsua_call_get_max_count, ctypes.c_uint)
        self._dialog = _declare(library.pjsip_tsx_get_dlg, ctypes.c_void_p, ctypes.c_void_p)
        self._session = _declare(library.pjsip_dlg_get_inv_session, ctypes.c_void_p, ctypes.c_void_p)
        self._end = _declare(
            library.pjsip_inv_end_session,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_void_p),
        )
        self._send = _declare(library.pjsip_inv_send_msg, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self._terminate = _declare(library.pjsip_tsx_terminate, ctypes.c_int, ctypes.c_void_p, ctypes.c_int)

        self._hold = _declare(library.pjsip_transport_add_ref, ctypes.c_int, ctypes.c_void_p)
        self._release = _declare(library.pjsip_transport_dec_ref, ctypes.c_int, ctypes.c_void_p)
        self._srand = _declare(library.pj_srand, None, ctypes.c_uint)
        self._without_sound = _declare(library.pjsua_set_no_snd_dev, ctypes.c_void_p)
        self._get_frame = _declare(
            library.pjmedia_port_get_frame, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Frame)
        )
        self._bridge: int | None = None
        self._endpoint = _declare(library.pjsua_get_pjsip_endpt, ctypes.c_void_p)
        self._register = _declare(
            library.pjsip_endpt_register_module, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Module)
        )
        self._watcher: _Module | None = None
        self.sent_s = 0.0
        """When the last request left (CLOCK_MONOTONIC, seconds), once they are watched."""
        self._settings = (ctypes.c_int * (_NO_SWITCH_TO_TCP + 1)).in_dll(library, "pjsip_sip_cfg_var")

    def seed(self) -> None:
        """Give a forked process random numbers of its own: tags, branches and SSRCs are made of them."""
        self._srand(int.from_bytes(os.urandom(4)))

    def keep_to_udp(self) -> None:
        """Send requests of any length over UDP where that is asked for.

        RFC 3261 section 18.1.1 has those beyond 1300 bytes try TCP first: of another trunk than was chosen,
        or for as long as a firewall lets a connection hang.
        """
        self._settings[_NO_SWITCH_TO_TCP] = 1

    def hold(self, connection: int) -> None:
        """Keep a connection that nothing goes over; the library would let it go after 33 s."""
        self._hold(connection)

    def release(self, connection: int) -> None:
        """Keep it no longer: it is gone."""
        self._release(connection)

    def watch_requests(self) -> None:
        """Take the time of each request as it is handed to the network, in `sent_s`.

        The library tells of a state that a message caused once it is through with that message: a far end
        that is near may have answered before.

        Raises:
            RuntimeError: The library takes no such watcher.
        """
        name = b"ringtime"
        # Kept, since the library has it in a list from now on.
        self._watcher = _Module(
            name=name,
            name_length=len(name),
            id=-1,
            priority=_WATCHER_PRIORITY,
            on_tx_request=_ON_TX_REQUEST(self._sends),
        )
        status = self._register(self._endpoint(), self._watcher)
        if status != 0:
            raise RuntimeError(f"pjsip_endpt_register_module: {status}")

    def _sends(self, _: int) -> int:
        self.sent_s = time.monotonic()
        return 0

    def stop_the_clock(self) -> None:
        """Have nothing drive the conference bridge: no voice goes through it, and it is told to `settle`."""
        self._bridge = self._without_sound()

    def settle(self) -> None:
        """Have a bridge without a clock let go of the streams that ended.

        It has 254 ports, each call that is answered takes one, and they come and go with the bridge's frames:
        where none is asked for, the stack hangs up each call from the 254th on as soon as it is answered.
        """
        if self._bridge is not None:
            samples = ctypes.create_string_buffer(_FRAME_BYTES)
            frame = _Frame(buffer=ctypes.addressof(samples), size=_FRAME_BYTES)
            self._get_frame(self._bridge, frame)

    def max_calls(self) -> int:
        """How many calls one process takes; known once the library is initialised."""
        return int(self._max_calls())

    def cancel(self, transaction: int) -> bool:
        """CANCEL the INVITE of a client transaction; before any 1xx it leaves with the first one."""
        dialog = self._dialog(transaction)
        session = self._session(dialog) if dialog else None
        if not session:
            return False
        message = ctypes.c_void_p()
        if self._end(session, _REQUEST_TERMINATED, None, ctypes.byref(message)) != 0:
            return False
        return not message.value or self._send(session, message) == 0

    def give_up(self, transaction: int) -> None:
        """End a client transaction as if it had timed out: a silent far end holds the line no longer."""
        self._terminate(transaction, _REQUEST_TIMEOUT)


def _declare(function: Any, result: Any, *arguments: Any) -> Any:
    function.restype = result
    function.argtypes = arguments
    return function
