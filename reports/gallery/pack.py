"""`python -m reports.gallery.pack RUN NAME`: keep a run for the gallery, without this machine's names.

Host name, build of the kernel and place of the run are replaced, log lines that name a path are left out.
Nothing that was measured is changed.
"""

import argparse
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from reports.gallery.pages import RUNS

LIMIT_BYTES = 150_000


def main() -> int:
    """Write the archive; 1 where it is too large for the repository."""
    parser = argparse.ArgumentParser(prog="python -m reports.gallery.pack", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("name", metavar="NAME", help="of the archive")
    options = parser.parse_args()
    archive = RUNS / f"{options.name}.tar.xz"
    pack(options.run, archive)
    size = archive.stat().st_size
    print(f"{archive}: {size:,} bytes")
    if size > LIMIT_BYTES:
        print(f"That is more than {LIMIT_BYTES:,} bytes: record fewer calls.", file=sys.stderr)
        return 1
    return 0


def pack(run: Path, archive: Path) -> None:
    """Write what readers of `run` look at; logs stay behind."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:xz") as tar:
        for name, text in _files(run):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))


def unpack(archive: Path, place: Path) -> Path:
    """Make the run folder anew; returns it."""
    place.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "r:xz") as tar:
        tar.extractall(place, filter="data")
    return place


def _files(run: Path) -> Iterator[tuple[str, bytes]]:
    settings = json.loads((run / "run.json").read_bytes())
    release = str(settings["host"]["kernel"]).split(".")
    settings["host"] |= {"name": "lab", "kernel": f"Linux {'.'.join(release[:2])}"}
    settings["options"]["run-dir"] = "runs"
    yield "run.json", json.dumps(settings, indent=1).encode() + b"\n"
    for path in sorted(run.glob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        if path.name.startswith("calls-"):
            lines[:1] = [json.dumps(json.loads(lines[0]) | {"host": "lab"}).encode() + b"\n"]
        if path.name == "agent-events.jsonl":
            lines = [line for line in lines if "/" not in (json.loads(line).get("text") or "")]
        yield path.name, b"".join(lines)


if __name__ == "__main__":
    sys.exit(main())
