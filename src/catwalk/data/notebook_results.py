"""Notebook results: what catwalk leaves in a notebook's working folder, where Colab's users put their data.

A note beside the results records which files are catwalk's own. Those of earlier runs are in
``earlier/<name>/``.
"""

from pathlib import Path

NAMES = SUBMISSION, TALK, PDF = "submission.csv", "talk.html", "talk.pdf"
NOTE = ".catwalk.json"
EARLIER = "earlier"


def is_one(path: Path) -> bool:
    """Whether a file is such a result; elsewhere a ``submission.csv`` may be the organiser's sample."""
    is_earlier = path.absolute().parent.parent.name == EARLIER
    return path.name in NAMES and (is_earlier or path.with_name(NOTE).is_file())
