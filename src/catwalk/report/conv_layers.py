"""Convolutional layers: each stage drawn as a block, as high as its side and wide as its channels."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from catwalk.core.plurals import counted
from catwalk.models import conv_plan
from catwalk.models.conv_plan import Stage
from catwalk.report.drawing import BLUE, GREY, MUTED, PAPER, box, mixed, picture, shortened, text, width_of
from catwalk.report.formatting import size
from catwalk.report.results import Results

WIDE, HIGH = 430.0, 300.0  # all of it
TEXT_AT = 150.0
ARROW, LEAST_ROW = 30.0, 32.0
WIDEST = 80.0  # the front of the stage with most channels
SLANT = 0.4  # of the faces behind the front, as a share of the side
POOLS = {"mean": "mean", "max": "maximum", "both": "mean and max"}


def draw(axes: Axes, results: Results) -> float:
    """Draw the layers of the best network, a convolutional one; returns where they end, in pixels."""
    params, competition = results.best.params, results.competition
    height, width, *colours = competition.shape
    kernel = params["conv_kernel"]
    stem, stages = conv_plan.stem(competition.shape, params), conv_plan.stages(competition.shape, params)
    blocks = [stem, *stages] if params["conv_stem"] == "stepped" else stages
    scale = _scale([max(height, width), *(stage.height for stage in blocks)])
    most = max(stage.channels for stage in blocks)

    y = _picture(axes, results, scale)
    words = f" pixels, {colours[0]} colours" if colours and colours[0] > 1 else " pixels in"
    _words(axes, y / 2, size(height, width), words)
    _arrow(axes, y, f"{size(kernel, kernel)} filters")
    y += ARROW
    for stage in blocks:
        row = _row(stage.height * scale)
        _block(axes, y + (row - _full(stage.height * scale)) / 2, stage, scale, most)
        _words(axes, y + row / 2, size(stage.height, stage.width), _sizes(stage))
        y += row
    _arrow(axes, y, f"{POOLS[params['conv_pool']]} of all places")
    y += ARROW
    box(axes, 0, y + 6, 40, LEAST_ROW - 12, color=GREY)
    _words(axes, y + LEAST_ROW / 2, f"{len(competition.classes)}", " classes out")
    return y + LEAST_ROW


def _sizes(stage: Stage) -> str:
    blocks = f", {counted(stage.blocks, 'block')}" if stage.blocks else ""
    return f", {stage.channels} channels{blocks}"


def _full(side: float) -> float:
    """The height of a block with its upper face."""
    return (1 + SLANT) * side


def _row(side: float) -> float:
    return max(LEAST_ROW, _full(side) + 8)


def _scale(sides: list[int]) -> float:
    """Pixels of the drawing for one of the picture: as many as there is room for."""
    for high in range(100, 20, -1):
        scale = high / sides[0]
        rows = high + sum(_row(side * scale) for side in sides[1:])
        if rows + 2 * ARROW + LEAST_ROW <= HIGH:
            break
    return scale


def _picture(axes: Axes, results: Results, scale: float) -> float:
    """Draw a training picture, which goes in, and return its height."""
    side = scale * max(results.competition.shape[:2])
    picture(axes, results.pictures(results.prepared.train[:1])[0], 0, 0, side, is_ink=results.is_ink)
    return side


def _block(axes: Axes, y: float, stage: Stage, scale: float, most: int) -> None:
    high, wide = max(7.0, stage.height * scale), WIDEST * (stage.channels / most) ** 0.5
    back = SLANT * high
    edge: dict[str, Any] = {"edgecolor": PAPER, "linewidth": 1}
    top, bottom = y + back, y + back + high
    box(axes, 0, top, wide, high, facecolor=BLUE, **edge)
    upper = [(0, top), (back, y), (wide + back, y), (wide, top)]
    right = [(wide, top), (wide + back, y), (wide + back, y + high), (wide, bottom)]
    for face, strength in ((upper, 0.45), (right, 0.7)):
        axes.add_patch(Polygon(face, facecolor=mixed(BLUE, strength), **edge))


def _words(axes: Axes, y: float, number: str, rest: str) -> None:
    text(axes, TEXT_AT, y, number, bold=True)
    after = TEXT_AT + width_of(number, bold=True) + (7 if rest.startswith(" ") else 1)
    text(axes, after, y, shortened(rest.lstrip(), WIDE - after), colour=MUTED)


def _arrow(axes: Axes, y: float, words: str) -> None:
    text(axes, TEXT_AT, y + ARROW / 2, f"↓ {words}", colour=MUTED)
