"""The vendor's noise cancellation: each version in a folder of its own, fetched when first asked for."""

import asyncio
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError, ProgramMissingError
from network.lifetime import bound_to_this

PACKAGE = "livekit-plugins-noise-cancellation"
MODULE = "livekit.plugins.noise_cancellation"
KNOWN_VERSIONS = ("0.2.6", "0.3.2")

_TOOLS = Path(__file__).resolve().parent.parent / ".tools"
_FETCH_TIMEOUT_S = 150.0
_WORDS_SHOWN = 200  # characters of what uv says


def folder(version: str) -> Path:
    """Where a version is kept, to be put in front of an agent's module path."""
    return _TOOLS / "noise-cancellation" / version


def is_fetched(version: str) -> bool:
    """Whether it is there already."""
    return folder(version).is_dir()


def find_uv() -> Path:
    """The uv on PATH, or the one that `make` keeps.

    Raises:
        ProgramMissingError: There is neither.
    """
    found = shutil.which("uv") or shutil.which(_TOOLS / "uv" / "bin" / "uv")
    if found is None:
        raise ProgramMissingError(
            "uv, which fetches the vendor's filter, is neither on PATH nor in .tools/uv; install it "
            "(pip install uv), or leave out the arms of kind vendor-…"
        )
    return Path(found)


async def fetched(version: str, say: Callable[[str], None]) -> Path:
    """The folder of a version, fetched by uv from wherever it looks; `say` is told when it has to.

    The package alone, 99 MB unpacked: it asks for nothing but LiveKit's SDK, which the lab's agents have.

    Raises:
        LabError: There is no such version, or it cannot be had.
    """
    if is_fetched(version):
        return folder(version)
    uv = find_uv()
    say(f"fetching {PACKAGE} {version}, once")
    folder(version).parent.mkdir(parents=True, exist_ok=True)
    # Renamed when it is whole: neither a fetch that was interrupted nor another lab's is taken for it.
    unfinished = Path(tempfile.mkdtemp(dir=folder(version).parent, prefix="unfinished-"))
    try:
        code, said = await _install(uv, version, unfinished)
        if code != 0:
            raise LabError(_why_not(version, said))
        if not is_fetched(version):
            os.rename(unfinished, folder(version))  # noqa: PTH104 - an instant, and no call of pathlib in async
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder(version)


async def _install(uv: Path, version: str, target: Path) -> tuple[int, str]:
    """Run uv; its exit code and what it said. It ends with us."""
    command = [
        str(uv),
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--target",
        str(target),
        "--no-deps",
    ]
    process = await asyncio.create_subprocess_exec(
        *command,
        f"{PACKAGE}=={version}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"NO_COLOR": "1"},
        preexec_fn=bound_to_this(),
    )
    try:
        async with asyncio.timeout(_FETCH_TIMEOUT_S):
            _, said = await process.communicate()
    except TimeoutError:
        return 1, f"it took longer than {_FETCH_TIMEOUT_S:g} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace")


def _why_not(version: str, said: str) -> str:
    words = " ".join(re.sub(r"`?https?://\S+", "its index", said).split())
    if f"no version of {PACKAGE}" in words:
        known = " and ".join(f"vendor-{known}" for known in KNOWN_VERSIONS)
        return f"there is no {PACKAGE} {version}: {known} are known to work"
    cut = "…" if len(words) > _WORDS_SHOWN else ""
    return (
        f"{PACKAGE} {version} could not be fetched: {words[:_WORDS_SHOWN]}{cut}; see to uv's network and "
        f"index, or leave out the arm vendor-{version}"
    )
