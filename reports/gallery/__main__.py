"""`python -m reports.gallery`: every page of the gallery, made from the recorded runs."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from reports.build import build
from reports.gallery.browser import Browser, find_browser
from reports.gallery.pack import unpack
from reports.gallery.pages import PAGES, RUNS, Page
from reports.kernel import Kernel
from reports.page import HERE

PLACE = Path("build/gallery")
PICTURE_OF, WIDTH, HEIGHT = "founding", 1060, 1990


def main() -> int:
    """Build all pages, an index of them, and the README's picture where there is a browser."""
    parser = argparse.ArgumentParser(prog="python -m reports.gallery", description=__doc__)
    parser.add_argument("--out", type=Path, default=PLACE, help="where to (default: %(default)s)")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="only these of its pages")
    options = parser.parse_args()
    out: Path = options.out.absolute()
    chosen = [page for page in PAGES if page.name in (options.pages or [page.name])]
    runs = {path.name.partition(".")[0]: path for path in sorted(RUNS.glob("*.tar.xz"))}
    folders = {name: unpack(archive, out / "runs" / name) for name, archive in runs.items()}
    shares = min(os.cpu_count() or 1, len(chosen))
    with ThreadPoolExecutor(shares) as pool:
        made = pool.map(lambda share: _make(chosen[share::shares], folders, out), range(shares))
        verdicts = {name: verdict for share in made for name, verdict in share.items()}
    index = Environment(loader=FileSystemLoader(HERE), autoescape=True).get_template("gallery/index.html.j2")
    style = (HERE / "style.css").read_text(encoding="utf-8")
    pages = [(page, verdicts[page.name]) for page in chosen]
    (out / "index.html").write_text(index.render(pages=pages, style=style), encoding="utf-8")
    print(out / "index.html")
    if PICTURE_OF not in {page.name for page in chosen}:
        return 0
    program = find_browser()
    if program is None:
        print("No picture was taken: there is no chromium on PATH.", file=sys.stderr)
        return 0
    with Browser(program) as browser:
        browser.open(out / PICTURE_OF / "report.html", width=WIDTH, height=HEIGHT)
        (out / "report.png").write_bytes(browser.picture())
    print(out / "report.png")
    return 0


def _make(pages: Sequence[Page], folders: Mapping[str, Path], out: Path) -> dict[str, str]:
    """Build some pages in one kernel; returns their verdicts by their names."""
    with Kernel() as kernel:
        return {
            page.name: build(
                [folders[run] for run in page.runs],
                out=out / page.name,
                notebook=page.notebook,
                kernel=kernel,
            ).summary.verdict
            for page in pages
        }


if __name__ == "__main__":
    sys.exit(main())
