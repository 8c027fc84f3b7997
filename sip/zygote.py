"""The process from which workers are forked: a clean Python with pjsua2 initialised and never started.

`python -m sip.zygote FD LIFELINE SIGNS` serves the Unix socket that it inherited as FD: each packet is a
worker's spec with one end of the worker's own socket attached. A worker forked here shares the library's
pages: some 4 MB each. It outlives this process, and dies with the one that holds the other end of the pipe
LIFELINE. SIGNS is the memory of the workers' vital signs. First it says which socket wakes workers that are
in its network.
"""

import gc
import logging
import os
import signal
import socket
import sys

from network.lifetime import hang_on
from sip import worker
from sip.endpoint import Endpoint
from sip.priority import favour
from sip.vital_signs import VitalSigns
from sip.wire import PACKET_BYTES, WorkerSpec, decode


def serve(control: socket.socket, lifeline: int, endpoint: Endpoint, vital_signs: VitalSigns) -> None:
    """Fork a worker for each spec until the pool closes the socket; the kernel reaps them.

    Where the system has no room for another process the worker's socket is closed, as if it had died.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        packet, descriptors, _, _ = socket.recv_fds(control, PACKET_BYTES, 1)
        if not packet:
            return
        (spec,) = decode(packet)
        try:
            if isinstance(spec, WorkerSpec) and os.fork() == 0:
                hang_on(lifeline)
                control.close()
                worker.main(spec, socket.socket(fileno=descriptors[0]), endpoint, vital_signs)
        except OSError as error:
            print(f"no worker can be forked: {error.strerror}", file=sys.stderr, flush=True)
        os.close(descriptors[0])


def main() -> None:
    """Start as the pool's child, with Ctrl-C left to the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # All that workers have alike is made here: what each of them touches anew is a page of its own.
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    favour()
    endpoint = Endpoint()
    worker.rehearse()
    gc.disable()  # in the workers, the collector would hang up calls (see sip.worker)
    gc.freeze()
    control = socket.socket(fileno=int(sys.argv[1]))
    control.setblocking(True)  # a pool under gevent hands it over non-blocking
    # What wakes the workers: the network is this process's, which the pool may be outside of.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
        socket.send_fds(control, [b"waker"], [waker.fileno()])
    serve(control, int(sys.argv[2]), endpoint, VitalSigns(int(sys.argv[3])))


if __name__ == "__main__":
    main()
