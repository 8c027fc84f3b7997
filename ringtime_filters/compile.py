"""Compile the wrapper, as it is and with the functions of filters that convert sample rates."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

SOURCES = ("bounded.c", "crash.c", "filter.c", "initialisation.c", "log.c", "passthrough.c", "session.c")
LIBRARIES = {"bounded.so": [], "bounded_v2.so": ["-DWITH_V2"]}
# nodelete: an initialisation may outlive whoever loaded the library
FLAGS = ("-std=gnu11", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-Wl,-z,nodelete")


def compile_wrapper(folder: Path, *, into: Path, extra: tuple[str, ...] = ()) -> list[Path]:
    """Compile the libraries from the sources in `folder` with $CC and $CFLAGS, `extra` after these.

    Raises:
        subprocess.CalledProcessError: The compiler is not satisfied; it has said why.
        OSError: There is no such compiler.
    """
    compiler = shlex.split(os.environ.get("CC", "cc"))
    flags = [*shlex.split(os.environ.get("CFLAGS", "-O2 -g")), *FLAGS, *extra]
    sources = [str(folder / source) for source in SOURCES]
    for name, variant in LIBRARIES.items():
        subprocess.run([*compiler, *flags, *variant, "-o", str(into / name), *sources], check=True)
    return [into / name for name in LIBRARIES]


if __name__ == "__main__":
    here = Path(__file__).parent
    sys.exit(not compile_wrapper(here, into=here, extra=tuple(sys.argv[1:])))
