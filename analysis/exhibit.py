"""A figure with its title and note, drawn the same everywhere: one colour, dash and marker an arm."""

import base64
import html
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

INK = "#1f2933"
QUIET = "#5f6b7a"
GRID = "#e3e8ee"

RC: dict[RcKeyType, object] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#9aa5b1",
    "axes.grid": True,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.7,
    "svg.fonttype": "path",
    "svg.hashsalt": "ringtime",
    "text.color": INK,
    "xtick.color": QUIET,
    "xtick.labelsize": 8.5,
    "ytick.color": QUIET,
    "ytick.labelsize": 8.5,
}


@dataclass(frozen=True, slots=True)
class Look:
    """How an arm is drawn: told apart by colour, by dash and by marker, each alone enough."""

    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    marker: str


LOOKS = (
    Look("#c2410c", (0, (4, 1.6)), "s"),
    Look("#0b5fa5", "-", "o"),
    Look("#00745a", (0, (1.2, 1.2)), "^"),
    Look("#7c3f98", (0, (6, 1.5, 1.2, 1.5)), "D"),
    Look("#4a4a4a", (0, (8, 2)), "v"),
)


def look(place: int) -> Look:
    """The look of the arm at that place, the reference being the first."""
    return LOOKS[place % len(LOOKS)]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A figure as a page shows it; `alt` says in words what the picture shows."""

    figure: Figure
    title: str
    note: str
    alt: str

    def svg(self) -> bytes:
        """The picture; the same bytes for the same figure."""
        buffer = io.BytesIO()
        with mpl.rc_context(RC):
            self.figure.savefig(
                buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
            )
        return buffer.getvalue()

    def html(self) -> str:
        """The picture with its title and note, the picture itself inside."""
        source = f"data:image/svg+xml;base64,{base64.b64encode(self.svg()).decode()}"
        return (
            f'<figure class="exhibit"><figcaption><h3>{html.escape(self.title)}</h3>'
            f"<p>{html.escape(self.note)}</p></figcaption>"
            f'<div class="wide"><img alt="{html.escape(self.alt)}" src="{source}"></div>'
            "</figure>"
        )

    def _repr_html_(self) -> str:
        return self.html()


@contextmanager
def canvas(width_in: float, height_in: float) -> Iterator[Figure]:
    """A figure to draw on, in the house style, without pyplot's global state."""
    with mpl.rc_context(RC):
        yield Figure(figsize=(width_in, height_in), layout="constrained")
