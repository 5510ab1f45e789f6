"""Draws README's pictures from a submission's records (the newest, or SUBMISSION's name as an argument).

.venv/bin/python docs/pictures.py [name]
"""

import sys
from pathlib import Path

from catwalk import figures
from catwalk.results import load

FOLDER = Path(__file__).parent

results = load("fashion-mnist", sys.argv[1] if len(sys.argv) > 1 else None)
for name in ("baselines", "search", "confusion", "mistakes"):
    picture = FOLDER / f"{name}.png"
    picture.write_bytes(figures.png(getattr(figures, name)(results)))
    print(picture.relative_to(FOLDER.parent))
