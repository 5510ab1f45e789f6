"""Draws README's pictures from a submission's records (the newest, or SUBMISSION's name as an argument).

    .venv/bin/python tools/pictures.py [name]

The overview of the talk is taken in a real browser, so a Chromium must be installed.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from catwalk.report import browser, drawing, figures, talk
from catwalk.report.results import load

FOLDER = Path(__file__).parents[1] / "docs"
ACROSS, WIDTH, HEIGHT, GAP = 2, 800, 450, 10


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


results = load("fashion-mnist", sys.argv[1] if len(sys.argv) > 1 else None)
(FOLDER / "baselines.png").write_bytes(drawing.png(figures.baselines(results)))
overview(talk.html(results)).quantize(128).save(FOLDER / "talk.png", optimize=True)
for name in ("baselines", "talk"):
    print(f"docs/{name}.png")
