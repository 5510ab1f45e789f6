"""Draws the pictures of README and docs: docs/folds.png, and, if there is a submission, those of its records.

    .venv/bin/python tools/pictures.py [name]

The submission is the newest one for Fashion-MNIST, or that of the name. The overview of the talk is taken in
a real browser, so a Chromium must be installed.
"""

import io
import sys
import tempfile
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image
from playwright.sync_api import sync_playwright

from catwalk.core.errors import UserError
from catwalk.report import browser, drawing, figures, talk
from catwalk.report.results import load

FOLDER = Path(__file__).parents[1] / "docs"
FOLDS = 5
ACROSS, WIDTH, HEIGHT, GAP = 2, 800, 450, 10


def folds() -> Figure:
    """How every labelled row is predicted by a network that was not trained on it."""
    margin, left, top, wide, high, gap = 20.0, 160.0, 50.0, 150.0, 52.0, 6.0
    figure, axes = drawing.canvas(left + FOLDS * wide + margin - gap, top + (FOLDS + 1) * high + 40)

    def cell(row: int, part: int, words: str, colour: str, ink: str) -> None:
        x, y = left + part * wide, top + row * high + (gap + 20 if row == FOLDS else 0)
        drawing.box(axes, x, y, wide - gap, high - gap, color=colour)
        drawing.text(axes, x + (wide - gap) / 2, y + (high - gap) / 2, words, colour=ink, anchor="center")

    for part in range(FOLDS):
        middle = left + part * wide + (wide - gap) / 2
        drawing.text(axes, middle, 28, f"part {part + 1}", colour=drawing.MUTED, anchor="center")
        drawing.text(axes, margin, top + part * high + (high - gap) / 2, f"network {part + 1}", bold=True)
        for row in range(FOLDS):
            words = ("train", drawing.PALE, drawing.MUTED)
            cell(row, part, *(("predict", drawing.BLUE, drawing.PAPER) if row == part else words))
        cell(FOLDS, part, "predicted", drawing.BLUE, drawing.PAPER)
    drawing.text(axes, margin, top + FOLDS * high + gap + 20 + (high - gap) / 2, "out-of-fold", bold=True)
    return figure


def overview(html: str) -> Image.Image:
    """All slides of a talk, as the audience sees them."""
    shots = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "talk.html"
        page.write_text(html, encoding="utf-8")
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=browser.options())
        shown = chromium.new_page(viewport={"width": 1280, "height": 720})
        shown.goto(page.as_uri())
        for _ in range(shown.locator(".slide").count()):
            shots.append(Image.open(io.BytesIO(shown.screenshot())).resize((WIDTH, HEIGHT)))
            shown.keyboard.press("ArrowRight")
        chromium.close()
    down = -(-len(shots) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * (WIDTH + GAP) - GAP, down * (HEIGHT + GAP) - GAP), "#C9C5BA")
    for k, shot in enumerate(shots):
        sheet.paste(shot, ((k % ACROSS) * (WIDTH + GAP), (k // ACROSS) * (HEIGHT + GAP)))
    return sheet


Image.open(io.BytesIO(drawing.png(folds()))).quantize(64).save(FOLDER / "folds.png", optimize=True)
print("docs/folds.png")
try:
    results = load("fashion-mnist", sys.argv[1] if len(sys.argv) > 1 else None)
except UserError as error:
    sys.exit(str(error))
(FOLDER / "baselines.png").write_bytes(drawing.png(figures.baselines(results)))
overview(talk.html(results)).quantize(128).save(FOLDER / "talk.png", optimize=True)
for name in ("baselines", "talk"):
    print(f"docs/{name}.png")
