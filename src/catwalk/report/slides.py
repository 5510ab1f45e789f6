"""Slides: the slides of a lightning talk, in their order, each with a title, speaker notes and a duration.

Most are in every talk, some only where there is something to say, as of labels that may be wrong. Fixed rules
choose the texts.
"""

from dataclasses import replace

from catwalk.report import findings
from catwalk.report.folds_slide import folds as folds
from catwalk.report.mistakes_slides import confusion as confusion
from catwalk.report.mistakes_slides import doubtful as doubtful
from catwalk.report.mistakes_slides import mistakes as mistakes
from catwalk.report.network_slide import network as network
from catwalk.report.next_slide import following as following
from catwalk.report.problem_slide import problem as problem
from catwalk.report.results import Results
from catwalk.report.search_slide import search as search
from catwalk.report.slide import Slide
from catwalk.report.weights_slide import weights as weights

LONGER = {"search": 5, "confusion": 5}  # seconds more, where no slide of the folds takes them


def build(results: Results) -> list[Slide]:
    """The slides of a submission, in their order."""
    has_folds = results.recipe.folds > 1
    makers = [
        problem, search, network, *([folds] if has_folds else []), confusion, mistakes,
        *([doubtful] if findings.are_labels_doubtful(results) else []), weights, following,
    ]  # fmt: skip
    slides = [one(results) for one in makers]
    if not has_folds:
        slides = [replace(one, seconds=one.seconds + LONGER.get(one.name, 0)) for one in slides]
    return slides
