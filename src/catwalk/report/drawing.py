"""Drawing: canvas, colours, text and pictures, which all figures use, and their export as SVG and PNG.

A figure's unit is the talk's pixel: at 1280x720 a text of size 20 is 20 pixels high.
"""

import io
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, TypedDict, Unpack

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextPath

from catwalk.report.html import ASSETS

# Each colour has one meaning: blue is the model or correct, orange is wrong or important, grey is context;
# a marker, font weight or word repeats it for colour-blind readers. The darker two are for text.
PAPER, INK, MUTED, GREY, PALE = "#FAF8F3", "#15171C", "#545966", "#ABA799", "#DEDACF"
BLUE, ORANGE = "#0072B2", "#D55E00"
BLUE_TEXT, ORANGE_TEXT = "#005A8C", "#B84A00"
FONT = "Inter Tight"
SMALL = 18  # axis ends; all other text is larger
PER_INCH = 72  # matplotlib's points, one per unit

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "catwalk",
    "text.hinting": "no_hinting",  # letters as wide as a browser sets them
    "path.simplify": False,
    "font.family": [FONT, "DejaVu Sans"],
    "font.size": SMALL,
    "axes.titlesize": 20,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure filled by a single axes, whose coordinates are pixels from the upper left."""
    _letters()
    figure = Figure(figsize=(width / PER_INCH, height / PER_INCH), dpi=PER_INCH, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_autoscale_on(False)
    return figure, axes


def width(figure: Figure) -> float:
    """The width of a figure of ``canvas`` in pixels."""
    return float(figure.get_size_inches()[0] * PER_INCH)


def plots(wide: float, high: float, titles: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """A figure with one plot per title, side by side, each ``wide`` x ``high`` pixels in size."""
    _letters()
    with mpl.rc_context(STYLE):
        figure = Figure(
            figsize=(wide * len(titles) / PER_INCH, high / PER_INCH), dpi=PER_INCH, layout="tight"
        )
        figure.set_facecolor(PAPER)
        made = [
            figure.add_subplot(1, len(titles), 1 + place, facecolor=PAPER) for place in range(len(titles))
        ]
        for axes, title in zip(made, titles, strict=True):
            axes.set_title(title, loc="left", weight="bold", color=INK)
    return figure, made


def legend(axes: Axes) -> None:
    """Add a legend where there is room."""
    with mpl.rc_context(STYLE):
        axes.legend(frameon=False, labelcolor=INK, fontsize=15)


class TextStyle(TypedDict, total=False):
    """The style of a text; ``anchor``: which end of it is at x."""

    size: float
    colour: str
    bold: bool
    anchor: str


def text(axes: Axes, x: float, y: float, words: str, **style: Unpack[TextStyle]) -> None:
    """Draw text at (x, y), vertically centred; by default size 20, dark and left-aligned."""
    axes.text(
        x,
        y,
        words,
        size=style.get("size", 20),
        color=style.get("colour", INK),
        weight="bold" if style.get("bold") else "normal",
        ha=style.get("anchor", "left"),
        va="center_baseline",
        family=[FONT, "DejaVu Sans"],  # the second has the letters that the first has not
        parse_math=False,  # a class may be called "$5 and $10"
        zorder=5,
    )


def upright(axes: Axes, x: float, y: float, words: str) -> None:
    """Draw text that reads upwards from y, its middle at x."""
    axes.text(
        x, y, words, size=20, color=INK, ha="center", va="bottom", rotation=90, family=[FONT, "DejaVu Sans"],
        parse_math=False, zorder=5,
    )  # fmt: skip


def box(axes: Axes, x: float, y: float, wide: float, high: float, **style: Any) -> None:
    """Draw a rectangle whose upper left corner is (x, y)."""
    axes.add_patch(Rectangle((x, y), wide, high, **{"linewidth": 0, **style}))


@cache
def _letters() -> None:
    for name in ("regular", "bold"):
        fontManager.addfont(ASSETS / f"inter-tight-{name}.ttf")


@lru_cache(maxsize=4096)
def width_of(words: str, size: float = 20, bold: bool = False) -> float:
    """The width of a text in pixels."""
    _letters()
    if not words.strip():
        return 0.0
    font = FontProperties(family=[FONT, "DejaVu Sans"], weight="bold" if bold else "normal")
    return float(
        TextPath((0, 0), words.replace("$", "S"), size=size, prop=font, usetex=False).get_extents().x1
    )


def shortened(words: str, width: float, size: float = 20, bold: bool = False) -> str:
    """The text, cut off with an ellipsis if it is wider than ``width``."""
    if width_of(words, size, bold) <= width:
        return words
    fits = bisect_right(range(len(words)), width, key=lambda n: width_of(words[:n] + "…", size, bold)) - 1
    return words[: max(0, fits)].rstrip() + "…"


def picture(
    axes: Axes, pixels: npt.NDArray[np.uint8], x: float, y: float, side: float, *, is_ink: bool
) -> None:
    """Draw a picture, its longer side ``side`` pixels, centred in the square whose upper left is (x, y).

    Args:
        axes: of ``canvas``.
        pixels: (height, width) or (height, width, channels) uint8.
        x: in units, as are the next.
        y: downwards.
        side: of the square.
        is_ink: whether grey is drawn as ink on paper, see ``picture_kind``; colour is drawn as it is.
    """
    high, wide = pixels.shape[:2]
    scale = side / max(high, wide)
    left, top = x + (side - wide * scale) / 2, y + (side - high * scale) / 2
    axes.imshow(
        coloured(pixels, is_ink),
        extent=(left, left + wide * scale, top + high * scale, top),
        aspect="auto",
        interpolation=_interpolation(scale),
        zorder=1,
    )


def mosaic(
    axes: Axes, pictures: list[npt.NDArray[np.uint8]], x: float, y: float, side: float, *, is_ink: bool
) -> None:
    """Draw pictures of the same size in a row, each in a square of ``side`` pixels, as a single image.

    Arguments as for ``picture``.
    """
    shown = [coloured(one, is_ink) for one in pictures]
    gap = max(1, round(max(shown[0].shape[:2]) / 14))
    blank = np.array([round(255 * part) for part in mpl.colors.to_rgb(PAPER)], np.uint8)
    high, wide = shown[0].shape[:2]
    cell = max(high, wide) + gap
    row = np.tile(blank, (cell, cell * len(shown), 1))
    for k, one in enumerate(shown):
        top, left = (cell - high) // 2, cell * k + (cell - wide) // 2
        row[top : top + high, left : left + wide] = one
    axes.imshow(
        row,
        extent=(x, x + side * len(shown), y + side, y),
        aspect="auto",
        interpolation=_interpolation(side / cell),
    )


def _interpolation(scale: float) -> str | None:
    """Enlarged pixels stay pixels; of a picture that is made smaller, matplotlib averages them by default."""
    return "none" if scale >= 1 else None


def coloured(pixels: npt.NDArray[np.uint8], is_ink: bool) -> npt.NDArray[np.uint8]:
    """A picture as (height, width, 3) uint8; of ink on paper, 0 is the paper and 255 the ink."""
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return pixels
    grey = pixels if pixels.ndim == 2 else pixels[:, :, 0]
    if not is_ink:
        return np.repeat(grey[..., None], 3, axis=2)
    share = grey.astype(np.float32)[..., None] / 255
    paper, ink = (np.array(mpl.colors.to_rgb(colour)) * 255 for colour in (PAPER, INK))
    return np.asarray(np.rint(paper * (1 - share) + ink * share), np.uint8)


def two_colours(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Colour (height, width) numbers as (height, width, 3) uint8: blue above zero, orange below."""
    most = float(np.quantile(np.abs(values), 0.99)) or 1.0
    strength = np.clip(np.abs(values) / most, 0, 1)[..., None]
    paper, blue, orange = (np.array(mpl.colors.to_rgb(colour)) * 255 for colour in (PAPER, BLUE, ORANGE))
    ink = np.where(values[..., None] > 0, blue, orange)
    return np.asarray(np.rint(paper * (1 - strength) + ink * strength), np.uint8)


def mixed(colour: str, share: float) -> str:
    """A colour mixed with that of the paper, of which it leaves ``1 - share``."""
    ours, paper = (np.array(mpl.colors.to_rgb(one)) for one in (colour, PAPER))
    red, green, blue = share * ours + (1 - share) * paper
    return str(mpl.colors.to_hex((red, green, blue)))


def svg(figure: Figure, name: str, alt: str) -> str:
    """The figure as an inline SVG element with unique ids; the same text for the same figure."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        # matplotlib would write its version and address; the page needs neither.
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<image\b[^>]*?) id="[^"]*"', r"\1", text)  # the same for equal pictures; nothing uses it
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    text = re.sub(
        r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r"<svg \1 role='img'>", text, count=1, flags=re.DOTALL
    )
    text = text.replace("role='img'>", f'role="img" class="{name}"><title>{_escaped(alt)}</title>', 1)
    return re.sub(r"[ \t]*\n\s*", "\n", text)


def png(figure: Figure) -> bytes:
    """The figure as a PNG; the same bytes for the same figure."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=1.5 * PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
