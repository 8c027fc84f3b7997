"""The pages of the gallery as a browser shows them: recorded runs of the lab through every notebook."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reports.gallery.browser import Browser, find_browser
from reports.gallery.pack import unpack
from reports.gallery.pages import PAGES, RUNS
from reports.page import notebooks

ROOT = Path(__file__).parents[2]
# The others go through the same notebook and take as long.
pytestmark = pytest.mark.timeout(300)  # all pages are made before the first test
NAMES = [page.name for page in PAGES if page.name not in ("same", "cut", "all-unanswered")]
A4_PX = 718  # 210 mm less Chromium's margins, at 96 dots per inch
TEXT_CONTRAST = 4.5  # WCAG 2.1, 1.4.3

# The lowest contrast of any text with what is painted behind it, and that text.
CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const painted = colours => {
    canvas.fillStyle = "#fff"; canvas.fillRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = rgb => {
    const [r, g, b] = rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let worst = [99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, box = text.parentElement;
    if (!text.data.trim() || !box.checkVisibility()) continue;
    const behind = [];
    for (let each = box; each; each = each.parentElement)
      behind.unshift(getComputedStyle(each).backgroundColor);
    const [a, b] = [painted(behind), painted([...behind, getComputedStyle(box).color])].map(luminance);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < worst[0]) worst = [contrast, text.data.trim().slice(0, 40)];
  }
  return worst;
})()
"""


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Every page, made once."""
    place = tmp_path_factory.mktemp("gallery")
    subprocess.run(
        [sys.executable, "-m", "reports.gallery", "--out", str(place), *NAMES],
        check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    return {name: place / name / "report.html" for name in NAMES}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all pages."""
    program = find_browser()
    if program is None:
        pytest.skip("there is no chromium on PATH to look at pages with: apt-get install chromium")
    with Browser(program) as running:
        yield running


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_quiet_and_asks_the_network_for_nothing(
    pages: Mapping[str, Path], browser: Browser, name: str
) -> None:
    """No word on the console, no breach of its policy, no request; every picture is decoded and described."""
    browser.open(pages[name])

    assert browser.complaints() == []
    assert browser.requests() == []
    assert browser.ask("[...document.images].every(image => image.naturalWidth > 0 && image.alt.length > 20)")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_as_wide_as_its_window(
    pages: Mapping[str, Path], browser: Browser, name: str, width: int
) -> None:
    """Wide tables and figures scroll in their own boxes; the page does not."""
    browser.open(pages[name], width=width)

    assert browser.ask("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_every_text_stands_out_from_what_is_behind_it(
    pages: Mapping[str, Path], browser: Browser, name: str, dark: bool
) -> None:
    """By the styles as they are computed, with every fold open."""
    browser.open(pages[name], dark=dark)
    browser.ask("document.querySelectorAll('details').forEach(fold => fold.open = true)")

    contrast, text = browser.ask(CONTRAST)

    assert contrast >= TEXT_CONTRAST, text


def test_a_word_is_explained_where_it_stands(pages: Mapping[str, Path], browser: Browser) -> None:
    """A click on any marked word shows its meaning, without a script."""
    browser.open(pages["founding"])
    words = browser.ask("document.querySelectorAll('.term').length")
    shown = browser.ask(
        "[...document.querySelectorAll('.term')].filter(word => { word.click();"
        " return document.querySelector('.meaning:popover-open')?.textContent.length > 20 }).length"
    )

    assert words > 10
    assert shown == words


@pytest.mark.parametrize("name", NAMES)
def test_a_page_prints(pages: Mapping[str, Path], browser: Browser, name: str) -> None:
    """On A4 no column of a table is lost, and it is a few pages."""
    browser.open(pages[name], width=A4_PX)
    browser.call("Emulation.setEmulatedMedia", media="print")
    lost = browser.ask(
        "[...document.querySelectorAll('.wide')].filter(box => box.scrollWidth > box.clientWidth + 1)"
        ".map(box => box.innerText.slice(0, 40))"
    )

    assert lost == []
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", browser.printed())) <= 14


def test_a_run_that_is_not_valid_says_so_before_any_figure(pages: Mapping[str, Path]) -> None:
    """Verdict, then what the tester fell short of with its remedies, then all else."""
    page = pages["not-valid"].read_text()
    order = ["Not valid, so it decides nothing", "Where did the tester fall short?", "dropped dials"]
    order += ["lower --calls-per-second", "How long do callers wait"]
    places = [page.index(words) for words in order]
    figures = [page.index("<img"), page.index("<table")]

    assert places[0] < places[1] < figures[1] < places[-1] < figures[0]
    assert "no figure below may be used to decide" in page[: figures[1]]


def test_the_first_screen_answers_what_a_release_manager_asks(
    pages: Mapping[str, Path], browser: Browser
) -> None:
    """Verdict, why, how sure and what to do are all in sight before anything is scrolled."""
    browser.open(pages["founding"], width=1280, height=900)

    bottom = browser.ask(
        "Math.max(...['.sentence', '.answers h3'].flatMap(name => [...document.querySelectorAll(name)])"
        ".map(box => box.getBoundingClientRect().bottom))"
    )

    assert bottom < 900


@pytest.mark.parametrize("name", NAMES)
def test_a_page_holds_no_address_and_is_small(pages: Mapping[str, Path], name: str) -> None:
    """Offline, with a policy, at most 2 MB, and no name of the machine that recorded it."""
    page = pages[name].read_bytes()

    assert b"http:" not in page
    assert b"https:" not in page
    assert b"default-src 'none'" in page
    assert len(page) < 2_000_000


def test_every_notebook_and_every_recorded_run_is_in_the_gallery() -> None:
    """Nothing is kept that nobody sees."""
    assert {page.notebook for page in PAGES} == set(notebooks())
    assert {run for page in PAGES for run in page.runs} == {
        path.name.partition(".")[0] for path in RUNS.iterdir()
    }


@pytest.mark.parametrize(
    "archive", sorted(RUNS.glob("*.tar.xz")), ids=lambda path: path.name.partition(".")[0]
)
def test_a_recorded_run_is_small_and_names_no_machine(archive: Path, tmp_path: Path) -> None:
    """At most 150 kB, no path of a home folder, no host but the lab."""
    assert archive.stat().st_size <= 150_000
    text = b"".join(path.read_bytes() for path in unpack(archive, tmp_path).iterdir())
    assert not re.search(rb"/(root|home|work|tmp|Users)/", text)
    assert set(re.findall(rb'"host": ?"([^"]*)"', text)) == {b"lab"}
