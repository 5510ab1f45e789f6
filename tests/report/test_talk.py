"""talk.py, slides.py, browser.py: the talk in a real browser, for all that may have been run.

Also: confusion.py, conv_layers.py, drawing.py, evidence.py, folds_slide.py, formatting.py, html.py,
mistake_figures.py, mistakes_slides.py, network_figures.py, network_slide.py, network_words.py, next_slide.py,
next_steps.py, origins.py, parallel_coordinates.py, problem_slide.py, search_slide.py, slide.py, tables.py,
trial_figures.py, weight_figures.py, weights_slide.py.
"""

import json
import re
import shutil
import subprocess
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from catwalk.data import duplicates
from catwalk.models import metrics, portfolio, space
from catwalk.models.epoch import Epoch
from catwalk.report import (
    accuracy_figures,
    browser,
    drawing,
    evidence,
    explore,
    figures,
    findings,
    importances,
    network_words,
    next_steps,
    results,
    search_slide,
    slides,
    tables,
    talk,
)
from catwalk.report.formatting import percent
from catwalk.report.problem_slide import samples_alt
from catwalk.report.results import Results
from catwalk.report.slide import TITLE_LENGTH, WORDS_A_SECOND, Slide, fitted, told, words_spoken
from catwalk.report.weight_figures import filter_pictures
from catwalk.report.weights_slide import stencils_alt
from catwalk.submission.recipe import FoldNetwork, RecipeTrial, RefitNetwork
from catwalk.submission.score import ScoreRecord
from tests.conftest import REPOSITORY, Run, may_lack
from tests.support.forms.pictures import Pictures, as_photos

SIZES = {"beamer": (1280, 720), "full HD": (1920, 1080), "phone across": (844, 390)}
CHROMIUM = browser.find()
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and may_lack("chromium"), reason="no Chromium is installed"
)

# Of all words that are shown: their text, box and whether they may be pushed sideways into sight.
WORDS = """() => {
  const slide = document.querySelector(".slide.now"), found = [];
  const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, holder = node.parentElement;
    if (!node.textContent.trim() || holder.closest("aside, title, style, .keys") ) continue;
    const range = document.createRange(); range.selectNodeContents(node);
    const svg = holder.closest("text");
    const rects = svg ? [svg.getBoundingClientRect()] : [...range.getClientRects()];
    for (const r of rects) found.push([node.textContent.trim(), r.left, r.top, r.right, r.bottom,
      parseFloat(getComputedStyle(holder).fontSize)]);
  }
  return found;
}"""

# Of the figures on a slide: whether they are wide, can be pushed sideways, and have a line that says so.
FIGURES = """() => [...document.querySelectorAll(".slide.now figure")].map(figure => {
  const inner = figure.querySelector(".scroll"), hint = figure.querySelector("figcaption");
  const box = hint && hint.getBoundingClientRect();
  return [figure.classList.contains("wide"), inner.scrollWidth > inner.clientWidth + 1,
    !!box && box.height > 0 && box.top >= 0 && box.bottom <= innerHeight && box.right <= innerWidth];
})"""

# One after the other, fingers where they touch, and those that are lifted.
TOUCH = """([down, up]) => {
  for (const [kind, fingers] of [["touchstart", { touches: down }], ["touchend", { changedTouches: up }]])
    document.body.dispatchEvent(Object.assign(new Event(kind, { bubbles: true }), fingers));
}"""

# How many pixels of the slide the notes cover, how many of the notes are cut off, and where they are.
COVERED = """() => {
  const notes = document.querySelector(".slide.now aside"), box = notes.getBoundingClientRect();
  const shown = [...document.querySelectorAll(".slide.now h2, .slide.now .body *, .slide.now footer")];
  const covered = shown.map(one => one.getBoundingClientRect()).filter(r => r.width && r.left < box.right)
    .map(r => Math.min(r.bottom, box.bottom) - Math.max(r.top, box.top));
  return [Math.max(0, ...covered), notes.scrollHeight - notes.clientHeight, box.height,
    box.bottom - innerHeight];
}"""


SECONDS = 180  # of the talk
BUILD = slides.build


def broken_rules(made: list[Slide]) -> list[str]:
    """The rules of titles, notes and seconds that these slides break."""
    seconds = sum(slide.seconds for slide in made)
    broken = [f"{seconds} s, at most {SECONDS}"] if seconds > SECONDS else []
    for slide in made:
        if len(slide.title) > TITLE_LENGTH or not re.search(r"\d|No mistake", slide.title):
            broken.append(f"{slide.name}: too long a title, or one without a number: {slide.title}")
        if not 0 < words_spoken(slide.notes) <= WORDS_A_SECOND * slide.seconds:
            broken.append(f"{slide.name}: notes that can't be spoken in {slide.seconds} s: {slide.notes}")
    return broken


@pytest.fixture(autouse=True)
def _every_talk_keeps_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a test of this file builds, whatever else it is about."""

    def build(given: Results) -> list[Slide]:
        made = BUILD(given)
        assert broken_rules(made) == []
        return made

    monkeypatch.setattr(slides, "build", build)


@pytest.fixture(scope="module")
def loaded(digits_done: tuple[Path, Run]) -> Results:
    return results.load("digits", root=digits_done[0])


def scored(real: Results, validation: np.ndarray, labels: np.ndarray, **more: Any) -> Results:
    scores = metrics.score(validation.argmax(axis=1), labels, validation.shape[1])
    rows = more.get("prepared", real.prepared).validation
    return replace(real, rows=rows, validation=validation, labels=labels, scores=scores, **more)


def never_wrong(real: Results) -> Results:
    sure = np.full((len(real.labels), 10), 0.001, np.float32)
    sure[np.arange(len(sure)), real.labels] = 0.991
    return scored(real, sure, real.labels)


def many_classes(real: Results) -> Results:
    """24 classes, as the Sign Language MNIST has, of long names."""
    names = tuple(f"a class of a really long name, number {i}" for i in range(24))
    random = np.random.default_rng(0)
    labels = np.asarray(real.prepared.labels).copy()
    labels = ((labels.astype(int) * 7 + np.arange(len(labels))) % 24).astype(np.uint8)
    prepared = replace(real.prepared, labels=labels)
    held = labels[real.prepared.validation]
    said = random.dirichlet(np.ones(24) * 0.3, len(held)).astype(np.float32)
    said[np.arange(len(held)), held] += 0.5
    return scored(
        real,
        said / said.sum(axis=1, keepdims=True),
        held,
        competition=replace(real.competition, classes=names, labels=tuple(range(24))),
        prepared=prepared,
        weights=random.normal(size=(64, 24)).astype(np.float32),
    )


def doubted(real: Results, count: int = 15, unsure: int = 12) -> Results:
    """So many labels that the networks are sure are wrong, and mistakes of which they are not sure."""
    labels, said = real.labels, np.full((len(real.labels), 10), 0.01, np.float32)
    rows = np.arange(len(labels))
    said[rows, labels] = 0.91
    said[rows[:unsure]] = 0.04
    said[rows[:unsure], labels[:unsure]] = 0.28
    said[rows[:unsure], (labels[:unsure] + 2) % 10] = 0.40
    sure = slice(unsure, unsure + count)
    said[rows[sure], labels[sure]] = 0.0
    said[rows[sure], (labels[sure] + 1) % 10] = np.linspace(0.99, 0.93, count)
    return scored(real, said, labels)


def colour(real: Results) -> Results:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (len(real.prepared.labels), 16 * 12 * 3), np.uint8)
    return replace(
        real,
        competition=replace(real.competition, shape=(16, 12, 3)),
        prepared=replace(real.prepared, pixels=pixels),
        weights=random.normal(size=(576, 10)).astype(np.float32),
    )


def trials(real: Results, count: int, pruned: float = 0.5) -> Results:
    """As many trials, made of the real ones with other values and parameters; later ones by the search."""
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        like = real.trials[number % len(real.trials)]
        params = {**like.params, "learning_rate": float(random.uniform(2e-4, 1e-2))}
        state = "pruned" if number > 2 and random.random() < pruned else "complete"
        value = float(random.uniform(0.8, 0.97))
        kind = like.kind if number < len(real.trials) else "search"
        made.append(replace(like, number=number, kind=kind, params=params, state=state, value=value))
    return replace(real, trials=made)


def own_best(real: Results) -> Results:
    """Of many trials, the last and best is one of ``make try``."""
    made = trials(real, 40, pruned=0)
    return replace(made, trials=[*made.trials[:-1], replace(made.trials[-1], kind="yours", value=0.99)])


def searched(real: Results, *values: float) -> Results:
    """With networks that the search found, of these accuracies."""
    like, first = real.best, len(real.trials)
    found = [replace(like, number=first + k, kind="search", value=value) for k, value in enumerate(values)]
    return replace(real, trials=[*real.trials, *found])


def folded(real: Results, folds: int = 5) -> Results:
    """All labelled rows, predicted out of fold by two recipes, with one mistake in 25."""
    labels = np.asarray(real.prepared.labels)
    said = np.full((len(labels), 10), 0.01, np.float32)
    said[np.arange(len(labels)), (labels + (np.arange(len(labels)) % 25 == 0)) % 10] = 0.91
    networks = tuple(
        FoldNetwork(trial=trial, fold=fold, number=10 * trial + fold, seed=1, plan=(),
                    accuracy=0.95 + 0.002 * fold + 0.003 * trial)
        for trial in (1, 3)
        for fold in range(folds)
    )  # fmt: skip
    made = replace(real, recipe=replace(real.recipe, folds=folds, fold_networks=networks, refit=()))
    scores = metrics.score(said.argmax(axis=1), labels, 10)
    return replace(
        made, rows=np.arange(len(labels), dtype=np.int32), labels=labels, validation=said, scores=scores
    )


def best_is_softmax(real: Results) -> Results:
    """A study in which no other network was better."""
    return replace(real, trials=[replace(t, value=0.99 if t.kind == "softmax" else 0.8) for t in real.trials])


def history(real: Results, losses: list[float]) -> Results:
    """The best trial's losses, epoch by epoch."""
    epochs = tuple(
        Epoch(i, len(losses), 1 / i, 1 - 0.5 / i, loss, 0.95 - loss / 10) for i, loss in enumerate(losses, 1)
    )
    return replace(real, trials=[replace(t, history=epochs) for t in real.trials])


CONV = {name: value for name, value in portfolio.CONV.items() if space.family_of(name) != "dense"}
CONV |= {"conv_kernel": 5, "conv_dropout": 0.1, "mixup": 0.2}


def convolutional(real: Results, **changes: Any) -> Results:
    """With a convolutional network, which is the best, in the study and in the ensemble."""
    params = {**CONV, **changes}
    others = [replace(trial, value=min(trial.accuracy, 0.98)) for trial in real.trials]
    best = replace(
        real.best, number=others[-1].number + 1, kind="portfolio conv 1", value=0.99, params=params
    )
    net = replace(real.recipe.trials[0], number=best.number, params=params)
    recipe = replace(real.recipe, trials=(net, *real.recipe.trials))
    side, colours = params["conv_kernel"], real.competition.shape[2] if real.competition.shape[2:] else 1
    random = np.random.default_rng(0)
    filters = random.normal(size=(side, side, colours, params["conv_width"])).astype(np.float32)
    return replace(real, trials=[*others, best], recipe=recipe, filters=filters)


def large_convolutional(real: Results) -> Results:
    """Of large pictures in colour, with as many stages, channels and trials as there may be."""
    shape, size = (128, 96, 3), 128 * 96 * 3
    pixels = np.repeat(np.asarray(real.prepared.labels)[:, None] * np.uint8(25), size, axis=1)
    weights = np.linspace(-1, 1, 10 * size, dtype=np.float32).reshape(10, size).T
    prepared = replace(real.prepared, pixels=pixels)
    made = replace(
        real, competition=replace(real.competition, shape=shape), prepared=prepared, weights=weights
    )
    return convolutional(trials(made, 60), conv_width=128, conv_depth=3, conv_stem="stepped")


SCORE = ScoreRecord(
    accuracy=0.9, interval=(0.87, 0.93), precision=0.9, recall=0.9, f1=0.9, rows=360, pictures=360, known=0,
    looks=1,
)  # fmt: skip

CASES: dict[str, Callable[[Results], Results]] = {
    "digits": lambda real: real,
    "no mistakes": never_wrong,
    "24 classes with long names": many_classes,
    "colour": colour,
    "two trials": lambda real: trials(real, 2, pruned=0),
    "nothing pruned": lambda real: trials(real, 30, pruned=0),
    "2,000 trials": lambda real: trials(real, 2000),
    "a single net": lambda real: replace(
        real, recipe=replace(real.recipe, trials=real.recipe.trials[:1])
    ),
    "pixels only": lambda real: replace(
        real, trials=[replace(t, params={**t.params, "view": "pixels"}) for t in real.trials]
    ),
    "no refit": lambda real: replace(real, recipe=replace(real.recipe, refit=())),
    "no weights": lambda real: replace(real, weights=None),
    "scored": lambda real: replace(real, test_score=replace(SCORE, looks=2)),
    "overfits": lambda real: history(real, [1.0, 0.5, 0.4, 0.5, 0.6]),
    "one epoch": lambda real: history(real, [1.0]),
    "doubtful labels": doubted,
    "a convolutional network": convolutional,
    "a large convolutional network": large_convolutional,
    "out of fold": folded,
    "ten folds": lambda real: folded(real, 10),
    "our own is the best of many": own_best,
    "presets and a search": lambda real: searched(real, 0.5, 0.99),
    "softmax is the best": best_is_softmax,
}  # fmt: skip
QUICK = ("digits", "two trials", "a convolutional network", "out of fold")  # the others run in make test-all


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "it was installed, but is not found"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=browser.options())
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def html(loaded: Results) -> str:
    """The talk of the digits."""
    return talk.html(loaded)


def written(text: str, folder: Path) -> Path:
    """A talk's file."""
    path = folder / "talk.html"
    path.write_text(text, encoding="utf-8")
    return path


def shown(chromium: Any, path: Path, size: tuple[int, int]) -> tuple[Any, list[str]]:
    """A talk in a page; what goes wrong there, or leaves the file, is in the list."""
    wrong: list[str] = []
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    ours = "file:", "data:"
    page.on("request", lambda asked: None if asked.url.startswith(ours) else wrong.append(asked.url))
    page.goto(path.as_uri())
    page.evaluate("document.fonts.ready")
    return page, wrong


def troubles(words: list[Any], size: tuple[int, int]) -> list[str]:
    """Words that are cut by the window, or lie over others."""
    found = [
        f"cut: {text}" for text, left, top, right, bottom, _ in words
        if left < -1 or top < -1 or right > size[0] + 1 or bottom > size[1] + 1
    ]  # fmt: skip
    for i, (text, left, top, right, bottom, letters) in enumerate(words):
        for other, left2, top2, right2, bottom2, letters2 in words[i + 1 :]:
            # The space above and below letters may be shared, not the letters.
            high = min(bottom - 0.2 * letters, bottom2 - 0.2 * letters2)
            high -= max(top + 0.2 * letters, top2 + 0.2 * letters2)
            if min(right, right2) - max(left, left2) > 1 and high > 0:
                found.append(f"over each other: {text} / {other}")
    return found


@needs_chromium
@pytest.mark.parametrize(
    "case", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CASES]
)
def test_nothing_is_cut_or_covered(
    case: str, loaded: Results, html: str, chromium: Any, tmp_path: Path
) -> None:
    made = CASES[case](loaded)
    path = written(html if made is loaded else talk.html(made), tmp_path)
    found: list[str] = []
    for name, size in SIZES.items():
        page, wrong = shown(chromium, path, size)
        for slide in range(page.locator(".slide").count()):
            found += [f"{name}, slide {slide + 1}: {t}" for t in troubles(page.evaluate(WORDS), size)]
            page.keyboard.press("ArrowRight")
        page.close()
        assert not wrong
    assert not found
    assert (tmp_path / "talk.html").stat().st_size < 1_000_000


@pytest.mark.slow
@needs_chromium
def test_a_phone_held_upright(html: str, chromium: Any, tmp_path: Path) -> None:
    page, _ = shown(chromium, written(html, tmp_path), (390, 844))
    for _ in range(page.locator(".slide").count()):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "the page does not move sideways"
        sizes = [letters for *_, letters in page.evaluate(WORDS)]
        assert min(sizes) >= 9
        for wide, moves, hint in page.evaluate(FIGURES):
            assert wide == moves, "what is wider than the screen is known to be"
            assert hint == wide, "and a line in sight says that it goes on"
        page.keyboard.press("ArrowRight")
    page.close()


@needs_chromium
def test_keys_and_the_speaker_s_window(loaded: Results, html: str, chromium: Any, tmp_path: Path) -> None:
    page, wrong = shown(chromium, written(html, tmp_path), SIZES["beamer"])
    made = slides.build(loaded)

    def now() -> str:
        return str(page.evaluate("document.querySelector('.slide.now').id"))

    for key, name in (
        ("PageDown", "search"), (" ", "network"), ("ArrowLeft", "search"), ("PageUp", "problem"),
        ("ArrowLeft", "problem"), ("End", "next"), ("ArrowRight", "next"), ("Home", "problem"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert now() == name, key
    with page.expect_popup() as popup:
        page.keyboard.press("n")
    window = popup.value
    page.bring_to_front()
    page.keyboard.press("ArrowRight")
    assert window.inner_text("h1") == made[1].title
    assert window.inner_text("#say") == made[1].notes
    assert window.inner_text("#next") == f"Next: {made[2].title}"
    assert re.fullmatch(r"\d:\d\d / 3:00", window.inner_text("#time"))
    window.bring_to_front()
    window.keyboard.press("ArrowRight")
    assert now() == "network", "the clicker works in either window"
    window.close()
    page.bring_to_front()
    page.keyboard.press("r")
    assert page.is_visible("#network aside")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement !== null")
    page.close()
    assert not wrong


@needs_chromium
def test_the_clock_runs_from_the_first_move(html: str, chromium: Any, tmp_path: Path) -> None:
    page, _ = shown(chromium, written(html, tmp_path), SIZES["beamer"])
    page.keyboard.press("Shift")
    assert page.evaluate("began") is None, "no key of the talk"
    with page.expect_popup() as popup:
        page.keyboard.press("n")
    window = popup.value
    for key in ("r", "r"):
        page.keyboard.press(key)
    assert page.evaluate("began") is None, "these keys only prepare"
    assert window.inner_text("#time").startswith("0:00")
    assert "T starts the clock" in window.inner_text("#place")
    page.keyboard.press("ArrowRight")
    page.evaluate("began -= 3000; tell()")  # three seconds later
    assert window.inner_text("#time") >= "0:03"
    assert "T restarts the clock" in window.inner_text("#place")
    window.keyboard.press("t")
    assert window.inner_text("#time").startswith("0:00")
    page.close()


@needs_chromium
def test_only_a_swipe_of_one_finger_turns_a_slide(html: str, chromium: Any, tmp_path: Path) -> None:
    page, wrong = shown(chromium, written(html, tmp_path), (390, 844))
    one, other = ({"clientX": x, "clientY": 300} for x in (300, 100))
    page.evaluate(TOUCH, [[one, other], [other]])
    assert page.evaluate("now") == 0, "two fingers zoom"
    page.evaluate(TOUCH, [[one], [other]])
    assert page.evaluate("now") == 1
    page.evaluate("() => { Object.defineProperty(visualViewport, 'scale', { value: 2 }); }")
    page.evaluate(TOUCH, [[one], [other]])
    assert page.evaluate("now") == 1, "what is enlarged is moved"
    page.close()
    assert not wrong


@needs_chromium
@pytest.mark.parametrize(
    "case",
    [
        "digits",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("out of fold", "a convolutional network")),
    ],
)
def test_notes_never_cover_a_figure(
    case: str, loaded: Results, html: str, chromium: Any, tmp_path: Path
) -> None:
    made = CASES[case](loaded)
    path = written(html if made is loaded else talk.html(made), tmp_path)
    for name, size in {**SIZES, "phone": (390, 844)}.items():
        page, _ = shown(chromium, path, size)
        page.keyboard.press("r")
        for slide in range(page.locator(".slide").count()):
            covered, cut, high, below = page.evaluate(COVERED)
            assert covered <= 0.5, f"{name}, slide {slide + 1}"
            assert cut <= 1, f"{name}, slide {slide + 1}: all notes can be read"
            assert high > 0
            assert below <= 0 or name == "phone"
            page.keyboard.press("ArrowRight")
        page.close()


@pytest.mark.slow
@needs_chromium
def test_without_javascript_it_is_a_document(
    loaded: Results, html: str, chromium: Any, tmp_path: Path
) -> None:
    path = written(html, tmp_path)
    context = chromium.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(path.as_uri())
    for slide in slides.build(loaded):
        assert plain.is_visible(f"#{slide.name} h2")
        assert plain.is_visible(f"#{slide.name} aside")
    context.close()


@pytest.mark.slow
@needs_chromium
def test_a_page_a_slide_is_printed(loaded: Results, html: str, tmp_path: Path) -> None:
    from pypdf import PdfReader

    page = written(html, tmp_path)
    made = slides.build(loaded)
    for fragment in ("", "notes"):
        pdf = tmp_path / f"{fragment}.pdf"
        assert browser.print_pdf(str(CHROMIUM), page, pdf, fragment) is None
        pages = PdfReader(pdf).pages
        assert len(pages) == len(made)
        for one, slide in zip(pages, made, strict=True):
            words = " ".join(one.extract_text().split())
            assert slide.title in words
            assert (slide.notes[-90:] in words) == bool(fragment)


@pytest.mark.parametrize("name", ["Google Chrome", "Microsoft Edge", "Brave Browser"])
def test_a_mac_s_browser_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/Applications/{name}.app/Contents/MacOS/{name}"
    monkeypatch.setattr(shutil, "which", lambda asked: asked if asked == path else None)
    assert browser.find() == path


def test_a_page_that_can_not_be_printed(tmp_path: Path) -> None:
    assert browser.print_pdf("/no/such/chromium", tmp_path / "talk.html", tmp_path / "talk.pdf")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_same_bytes_each_time(loaded: Results) -> None:
    assert talk.html(loaded) == talk.html(loaded)


def test_it_names_no_address(html: str) -> None:
    text = re.sub(r'xmlns(:\w+)?="[^"]*"', "", html)
    assert not re.findall(r"https?://[^\s\"']*", text)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_letters_stand_out() -> None:
    """Contrast of text as WCAG 2.1 counts it."""
    paper = luminance(drawing.PAPER)
    for ink in (drawing.INK, drawing.MUTED, drawing.BLUE_TEXT, drawing.ORANGE_TEXT):
        assert (paper + 0.05) / (luminance(ink) + 0.05) >= 4.5, ink
    assert 1.05 / (luminance(drawing.BLUE) + 0.05) >= 4.5, "white on blue"


def test_blue_and_orange_differ_for_everybody() -> None:
    """Simulated as Vienot, Brettel and Mollon 1999 (Color Research and Application 24:243-252) do it."""
    to_cones = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    lost = {
        "protanopia": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
        "deuteranopia": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
    }
    colours = [
        np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) / 255 for c in (drawing.BLUE, drawing.ORANGE)
    ]
    for kind, matrix in lost.items():
        seen = [np.linalg.inv(to_cones) @ matrix @ to_cones @ c**2.2 for c in colours]
        assert np.linalg.norm(seen[0] - seen[1]) > 0.3, kind


def test_the_rules_of_slides(loaded: Results) -> None:
    good = slides.build(loaded)
    assert broken_rules(good) == []
    for change in (
        {"title": "a title without a figure"},
        {"title": "9" * 65},
        {"notes": "word " * 100},
        {"notes": "94.7% " * 20},
        {"notes": ""},
        {"seconds": 100},
    ):
        assert len(broken_rules([replace(good[0], **change), *good[1:]])) == 1, change


def test_what_is_too_long_is_no_reason_for_no_talk(loaded: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortest of the texts is taken, even where it does not fit."""
    assert fitted("9" * 65, "8" * 64, "7") == "8" * 64
    assert fitted("9" * 70, "8" * 65) == "8" * 64
    assert told(1, "two words more", "three words here ") == "three words here"
    problem = replace(slides.problem(loaded), title="no figure " * 9, notes="word " * 100)
    monkeypatch.setattr(slides, "problem", lambda _: problem)
    monkeypatch.setattr(slides, "build", BUILD)  # without this file's check
    assert "no figure no figure" in talk.html(loaded)


def test_a_number_is_several_words() -> None:
    assert words_spoken("94.7% of them") == 5 + 2, "ninety-four point seven percent"
    assert words_spoken("54,000 pictures, T-shirt/top: it's 3") == 3 + 1 + 2 + 1 + 1
    assert told(2, "a long sentence of six words", "a short one") == "a short one"
    assert told(2, "five words fit in here", "a short one") == "five words fit in here"


@pytest.mark.parametrize("case", CASES)
def test_every_talk_keeps_the_rules(case: str, loaded: Results) -> None:
    assert broken_rules(slides.build(CASES[case](loaded))) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng is installed")
@pytest.mark.parametrize("case", ["digits", "out of fold", "doubtful labels"])
def test_three_minutes_are_spoken(case: str, loaded: Results, tmp_path: Path) -> None:
    notes = "\n\n".join(slide.notes for slide in slides.build(CASES[case](loaded)))
    subprocess.run(["espeak-ng", "-w", tmp_path / "talk.wav", notes], check=True)
    with wave.open(str(tmp_path / "talk.wav")) as spoken:
        assert 60 < spoken.getnframes() / spoken.getframerate() <= 180


def few(real: Results, count: int) -> Results:
    """As if so few rows had been held out."""
    prepared = replace(real.prepared, validation=real.prepared.validation[:count])
    return scored(real, real.validation[:count], real.labels[:count], prepared=prepared)


def wrong(real: Results, count: int, many: int = 10) -> Results:
    """The digits, many times, with so many mistakes: all zeros that were taken for ones."""
    labels = np.repeat(real.labels, many)
    said = np.full((len(labels), 10), 0.01, np.float32)
    said[np.arange(len(said)), labels] = 0.9
    said[np.flatnonzero(labels == 0)[:count]] = np.eye(10, dtype=np.float32)[1]
    rows = np.arange(len(labels), dtype=np.int32)
    return scored(real, said, labels, prepared=replace(real.prepared, validation=rows))


def test_no_finding_rests_on_fewer_than_twenty_pictures(loaded: Results) -> None:
    made = {slide.name: slide for slide in slides.build(few(loaded, 15))}
    assert made["problem"].title == "15 validation pictures are too few to judge a network"
    assert "softmax" not in made["problem"].title
    assert "15 pictures are too few" in made["network"].title
    assert "15 validation pictures" in made["confusion"].title
    assert "15 pictures are too few to rank 5 networks" in made["search"].title
    assert "too few to judge" not in slides.build(few(loaded, 20))[0].title

    classes = slides.confusion(wrong(loaded, 10, many=1))
    assert classes.title == "144 validation pictures are too few to rank 10 classes"
    assert "10 mistakes, too few to say" in classes.notes
    many = slides.confusion(wrong(loaded, 19))
    assert many.title == "19 mistakes are too few to say where they lie"
    assert "Most often" not in many.notes
    assert slides.mistakes(wrong(loaded, 19)).title == "19 mistakes on 1,440 validation pictures"
    enough = slides.confusion(wrong(loaded, 20))
    assert "Most often, 0 is taken for 1: 20 times" in enough.notes
    assert enough.title == "0 and 1 hold 100% of all mistakes"
    assert "confidence" in slides.mistakes(wrong(loaded, 20)).title

    some = replace(loaded.prepared, train=loaded.prepared.train[:40])
    assert (
        slides.weights(replace(loaded, prepared=some)).title
        == "Softmax weights from 40 pictures: too few to trust"
    )


@pytest.mark.parametrize("known", [1, 360])
@pytest.mark.parametrize("test_score", [None, SCORE])
def test_a_test_whose_pictures_are_labelled_is_no_secret(
    loaded: Results, known: int, test_score: ScoreRecord | None
) -> None:
    prepared = replace(loaded.prepared, duplicates={"train": 0, "test": 0, "known": known})
    made = slides.build(replace(loaded, prepared=prepared, test_score=test_score, sealed=True, looks=1))
    words = " ".join([s.title + s.notes + str(s.facts) for s in made])
    assert not re.search("sealed|unseen|closed", words)
    assert made[0].facts[2][1] == f"test, {known} of them labelled, opened once"
    little = "But 360 test pictures are among the labelled ones: a test score says little."
    assert (little in made[0].notes) == (known == 360), "1 of 360 changes no score by much"
    assert "among the labelled" not in made[0].notes.replace(little, "")
    assert made[0].notes.endswith(" The test labels were read once.")
    assert "no look" not in words.lower()
    assert sum(f"({known} of them labelled)" in what for _, what, _ in made[-1].facts) == 1


def test_a_labelled_test_picture_is_told_once(loaded: Results) -> None:
    counts = {"train": 0, "test": 0, "known": 350}
    slide = slides.problem(replace(loaded, prepared=replace(loaded.prepared, duplicates=counts)))
    assert slide.facts[2][1] == "test, 350 of them labelled"
    assert slide.notes.endswith("350 test pictures are among the labelled ones: a test score says little.")


def test_scores_of_labelled_test_pictures_are_looks_too(loaded: Results) -> None:
    counts = {"train": 0, "test": 0, "known": 350}
    labelled = replace(loaded, prepared=replace(loaded.prepared, duplicates=counts))
    slide = slides.problem(replace(labelled, looks=2, uploads=1))
    assert slide.facts[2][1] == "test, 350 of them labelled, opened 2 times, scored once on Kaggle"
    read = "The test labels were read 2 times; our answers were scored once on Kaggle."
    assert slide.notes.endswith(f"a test score says little. {read}")


def test_repeated_pictures_are_shown_once(loaded: Results) -> None:
    rows = np.repeat(loaded.prepared.validation, 3)
    pixels = loaded.prepared.pixels[rows]
    labels = loaded.prepared.labels[rows]
    prepared = replace(
        loaded.prepared, pixels=pixels, labels=labels, train=np.arange(30, dtype=np.int32),
        validation=np.arange(len(rows), dtype=np.int32),
        duplicates={"train": 288, "test": 0, "known": 0},
    )  # fmt: skip
    wrong_ones = np.eye(10, dtype=np.float32)[(labels + 1) % 10]
    made = scored(loaded, wrong_ones, labels, prepared=prepared)
    assert made.distinct.validation == 144
    assert len(findings.mistakes(made)) == 144
    assert slides.problem(made).facts[1][:2] == ("144", "validation")
    assert re.search(r"Most often, \d is taken for \d: in \d+ rows\.", slides.confusion(made).notes)
    assert "mistakes (rows)" in words_of(figures.trial_bars(made))
    assert "mistakes" in words_of(figures.trial_bars(loaded))


def copied(real: Results) -> Results:
    """Three copies of a validation picture that is classified correctly, and one that is not."""
    four, train = [0, 0, 0, 1], len(real.prepared.train)
    rows = np.concatenate([real.prepared.train, real.prepared.validation[four]])
    labels = real.labels[four]
    prepared = replace(
        real.prepared, pixels=real.prepared.pixels[rows], labels=real.prepared.labels[rows],
        train=np.arange(train, dtype=np.int32), validation=np.arange(train, train + 4, dtype=np.int32),
        duplicates={"train": 2, "test": 0, "known": 0},
    )  # fmt: skip
    said = np.eye(10, dtype=np.float32)[(labels + np.array([0, 0, 0, 1])) % 10]
    return scored(real, said, labels, prepared=prepared)


def test_an_accuracy_names_what_it_is_a_share_of(loaded: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    made, rows = copied(loaded), "4 validation rows (2 different pictures)"
    assert made.scores.accuracy == 0.75
    assert slides.following(made).facts[-3][:2] == ("75.0%", f"of {rows}")
    assert "We classify 75.0% of the validation rows correctly" in slides.problem(made).notes
    in_folds = replace(made, recipe=folded(loaded).recipe)
    assert in_folds.accuracy_of == "4 labelled rows (2 different pictures, 5 folds)"
    assert slides.folds(in_folds).title == "Out of fold, 75.0% of all 4 rows are correct"
    score = replace(SCORE, rows=400)
    assert slides.following(replace(made, test_score=score)).facts[-3][1] == (
        "on 400 test rows (360 different pictures)"
    )
    monkeypatch.setattr(slides, "build", lambda _: [])
    monkeypatch.setattr(talk, "render", lambda _, **more: more["judged"])
    assert talk.html(made) == f"of {rows} are correct"
    assert talk.html(loaded) == "of 144 validation pictures are correct"


def test_findings_follow_their_rules(loaded: Results) -> None:
    assert (
        "overfits after epoch 3 (validation loss +50%)"
        in slides.network(history(loaded, [1.0, 0.5, 0.4, 0.5, 0.6])).title
    )
    assert "overfits" not in slides.network(history(loaded, [1.0, 0.5, 0.4])).title
    surer = history(loaded, [1.0, 0.4, 0.5])
    last = replace(surer.best.history[-1], accuracy=0.99)
    surer = replace(surer, trials=[replace(t, history=(*t.history[:-1], last)) for t in surer.trials])
    assert "overfits" not in slides.network(surer).title, "its loss rose, but it still learned"
    assert slides.mistakes(never_wrong(loaded)).title.startswith("No mistakes")
    scored_talk = CASES["scored"](loaded)
    assert slides.problem(scored_talk).facts[2][1] == "test, opened 2 times"
    assert "read 2 times" in slides.problem(scored_talk).notes
    assert percent(0.99999) == "99.9%"


def words_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_doubtful_labels_have_a_slide_after_the_mistakes(loaded: Results) -> None:
    made = slides.build(doubted(loaded))
    names = [slide.name for slide in made]
    assert names[4:7] == ["mistakes", "doubtful", "weights"]
    assert sum(slide.seconds for slide in made) == 180
    mistakes, slide = made[4:6]
    assert slide.title == "15 of 144 labels look doubtful"
    assert "We changed nothing." in slide.notes
    assert mistakes.title == "These 5 mistakes were made with at least 40.0% confidence"
    assert len(findings.mistakes(doubted(loaded))) == 27
    assert "The surest of 12 mistakes whose labels do not look doubtful" in mistakes.notes
    assert [slide.name for slide in slides.build(never_wrong(loaded))] == names[:5] + names[6:]


def test_the_dozen_most_doubtful_labels_are_shown(loaded: Results) -> None:
    made = doubted(loaded)
    assert findings.doubtful(made).tolist() == list(range(12, 27)), "the most confident answer first"
    words = words_of(figures.doubtful(made))
    assert len(words) == 24
    classes = made.competition.classes
    label = made.labels[12]
    assert words[:2] == [f"label: {classes[label]}", f"“{classes[(label + 1) % 10]}” 99%"]
    other = words_of(figures.mistakes(made))
    assert len(other) == 15, "five mistakes, none of them with a doubtful label"
    said = made.validation[0].max()
    assert other[:2] == [f"“{classes[(made.labels[0] + 2) % 10]}”", f"{percent(float(said))} confident"]
    assert words_of(figures.doubtful(never_wrong(loaded))) == ["None of the 144 labels looks doubtful."]


def test_few_doubtful_labels_and_no_others_are_left_with_the_mistakes(loaded: Results) -> None:
    assert findings.are_labels_doubtful(doubted(loaded, 3))
    assert not findings.are_labels_doubtful(doubted(loaded, 2))
    assert not findings.are_labels_doubtful(doubted(loaded, 15, unsure=0)), "all mistakes would be there"
    assert not findings.are_labels_doubtful(few(doubted(loaded, 3, unsure=3), 15))
    all_doubtful = slides.mistakes(doubted(loaded, 15, unsure=0))
    assert all_doubtful.seconds == 20
    assert "5 of these labels look doubtful" in all_doubtful.notes
    assert words_of(figures.mistakes(doubted(loaded, 15, unsure=0))).count("this label looks doubtful") == 5


def test_explore_says_what_to_run_for_doubtful_labels(
    loaded: Results, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    figure = explore.doubtful(results.Data(loaded.competition, loaded.prepared))
    assert words_of(figure) == ["digits has no submission yet: run make predict COMPETITION=digits"]


def test_a_convolutional_network_is_shown_as_one(loaded: Results) -> None:
    one = replace(loaded.recipe, trials=loaded.recipe.trials[:1], refit=())
    made = convolutional(replace(loaded, recipe=one))
    said = slides.network(made).notes
    plan = "convolutional, with 2 stages of 1 residual block each, on raw pixels"
    assert said.startswith(f"The best network is {plan}. ")
    assert "Its layers learn their filters from the pictures." in said
    ours = percent(made.scores.accuracy)
    averaged = "the submission averages 1 dense and 1 convolutional network"
    assert said.endswith(f"Alone it reaches 99.0%; {averaged}: {ours}.")
    words = words_of(figures.architecture(made))
    for size, rest in (
        ("8x8", "pixels in"),
        ("8x8", ", 32 channels, 1 block"),
        ("4x4", ", 64 channels, 1 block"),
    ):
        place = words.index(rest)
        assert words[place - 1] == size.replace("x", "\N{MULTIPLICATION SIGN}")
    assert words[words.index("dropout") + 1] == "0.1"
    assert words[words.index("augmentation") + 1] == "mirrored, shifted, mixed"
    assert "hidden" not in " ".join(words)
    large = words_of(figures.architecture(large_convolutional(loaded)))
    assert [word for word in large if "blocks" in word] == [
        f", {channels} channels, 3 blocks" for channels in (128, 256, 512, 1024)
    ]


def test_few_networks_have_a_bar_each(loaded: Results) -> None:
    slide = slides.search(loaded)
    best = percent(loaded.best.accuracy)
    assert slide.title == f"All 5 networks are presets; the best reaches {best}"
    assert "All complete networks are presets: the search chose none." in slide.notes
    assert [name for name, _ in slide.figures] == ["trial_bars"]
    words = words_of(figures.trial_bars(loaded))
    assert words.count("preset") + words.count("preset (baseline)") == 5
    assert words.count("preset (baseline)") == 2
    stopped = replace(loaded.best, number=5, kind="search", state="pruned", ended=None)
    with_one = slides.search(replace(loaded, trials=[*loaded.trials, stopped]))
    assert with_one.title == f"All 5 complete networks are presets; the best reaches {best}"
    wrong_ones = [round((1 - t.accuracy) * 144) for t in loaded.trials]
    assert sorted(int(word) for word in words if word.isdigit()) == sorted(wrong_ones)


def made_by_us(real: Results) -> Results:
    """The last network is one of ``make try``."""
    return replace(real, trials=[*real.trials[:-1], replace(real.trials[-1], kind="yours")])


def test_the_audience_is_not_told_of_its_own_networks(loaded: Results) -> None:
    presets = replace(loaded, trials=[replace(t, value=0.9) for t in loaded.trials])
    for made in (searched(presets, 0.5, 0.99), searched(presets, 0.99)):
        assert slides.search(made_by_us(made)).title.startswith("Our own network is the best of")
        for slide in slides.build(made_by_us(made)):
            assert not re.search(r"\b[Yy]ours?\b", f"{slide.title} {slide.notes}")
    assert "All complete networks are presets or our own" in slides.search(made_by_us(made)).notes


@pytest.mark.parametrize(
    ("count", "said"), [(1, "that of the search was stopped"), (2, "those of the search were stopped")]
)
def test_what_the_search_stopped_is_one_network_or_more(loaded: Results, count: int, said: str) -> None:
    made = searched(loaded, *[0.5] * count)
    found = [replace(t, state="pruned") if t.kind == "search" else t for t in made.trials]
    assert f"presets: {said} early." in slides.search(replace(made, trials=found)).notes
    diverged = [replace(t, ended="diverged") if t.kind == "search" else t for t in found]
    those = said.split()[0]
    ended = slides.search(replace(made, trials=diverged)).notes
    assert f"presets: {those} of the search did not finish." in ended, "the search did not stop it"


def test_presets_are_compared_with_the_search(loaded: Results) -> None:
    presets = replace(loaded, trials=[replace(t, value=0.9) for t in loaded.trials])
    better = searched(presets, 0.8, 0.99)
    assert slides.search(better).title == "The search found the best of 7 networks: 99.0%, presets 90.0%"
    said = "The best of 5 presets reaches 90.0%, the best of 2 search trials 99.0%: 9.0 points more."
    assert said in slides.search(better).notes
    words = words_of(figures.trial_bars(better))
    assert words.count("search") == 2
    assert said in words
    worse = slides.search(searched(presets, 0.8))
    assert worse.title == "A preset is the best of 6 networks: 90.0%, search 80.0%"
    assert "the only search trial 80.0%: 10.0 points less." in worse.notes
    level = slides.search(searched(presets, 0.91))
    assert level.title == "Among 6 networks, presets and search are level (90.0%, 91.0%)"
    assert "no clear difference" in level.notes, "on 144 pictures"
    own = slides.search(made_by_us(better))
    assert own.title == "Our own network is the best of 7: 99.0%"
    near = slides.search(made_by_us(searched(presets, 0.91)))
    assert near.title == "Our own network is best of 6, but not clearly: 91.0%"
    assert {"our own", "search"} < set(words_of(figures.trial_bars(made_by_us(better))))
    stopped = replace(better.trials[-2], state="pruned")
    one = replace(better, trials=[*better.trials[:-2], stopped, better.trials[-1]])
    assert "We trained 7 networks; 1 was stopped early." in slides.search(one).notes
    assert "1 trial was stopped early" in words_of(figures.trial_bars(one))
    assert "the best of 2 search trials 99.0%" in slides.search(one).notes, "a stopped one was a try, too"


def test_our_own_network_among_many_is_none_of_the_search(loaded: Results) -> None:
    made = own_best(loaded)
    figure, found = figures.progress(made), max(t.accuracy for t in made.trials if t.kind == "search")
    assert {f"search: {percent(found)} at best", "our own: 99.0% at best"} < set(words_of(figure))
    assert ("D", 12) in map(mark_of, figure.axes[0].lines), "the best one's mark is neither's"
    assert "The best, 99.0%, is our own." in slides.search(made).notes
    assert next_steps._search(made) == [], "a longer search does not make it better"
    without = trials(loaded, 40, pruned=0)
    assert not any(word.startswith("our own") for word in words_of(figures.progress(without)))
    assert "our own" not in slides.search(without).notes


def test_an_accuracy_on_validation_is_named_as_such(loaded: Results) -> None:
    assert "best so far, on validation" in words_of(figures.progress(loaded))
    assert "validation accuracy" in words_of(figures.trial_bars(loaded))
    assert {"validation", "accuracy"} < set(words_of(figures.parallel(loaded)))
    (softmax,) = (percent(trial.accuracy) for trial in loaded.trials if trial.kind == "softmax")
    in_folds = folded(loaded)  # where the submission's is not on validation
    assert f"the simplest network, reaches {softmax} on validation. " in slides.problem(in_folds).notes
    kept = percent(loaded.best.accuracy)
    assert f"Alone it reaches {kept} on validation" in slides.network(in_folds).notes


def test_the_bars_say_how_many_networks_have_none(loaded: Results) -> None:
    assert not any("shown are" in word for word in words_of(figures.trial_bars(loaded)))
    assert search_slide.bars_alt(loaded) == "The mistakes of 5 networks, and which are presets"
    many = trials(loaded, 20, pruned=0)
    assert "shown are the best 14 of 20 networks" in words_of(figures.trial_bars(many))
    assert search_slide.bars_alt(many) == "The mistakes of the best 14 of 20 networks, and which are presets"
    stopped = replace(many, trials=[*many.trials[:-1], replace(many.trials[-1], state="pruned")])
    both = "shown are the best 14 of 19 networks; 1 trial was stopped early"
    assert both in words_of(figures.trial_bars(stopped))


def test_of_many_trials_it_says_what_mattered(loaded: Results) -> None:
    made = trials(loaded, 40, pruned=0.2)
    many, used = slides.search(made), len(importances.judged(made.trials))
    assert [name for name, _ in many.figures] == ["parallel", "progress"]
    assert "mattered most" in many.title + many.notes
    assert used < len(made.complete) < 40, "neither softmax nor what was stopped tells what mattered"
    assert re.match(rf"(In )?{used} trials", many.title), "of these, not of all that are complete"
    assert "The best of 5 presets reaches" in many.notes
    assert any(word.startswith("presets: ") for word in words_of(figures.progress(trials(loaded, 40))))


@pytest.mark.parametrize(
    ("shares", "title", "said"),
    [
        (
            {"learning_rate": 0.06, "dropout": 0.02},
            "In {} trials no parameter alone mattered: 6% at most",
            "No parameter alone mattered much: 6% of the variance at most.",
        ),
        (
            {"learning_rate": 0.4, "dropout": 0.1},
            "{} trials: learning rate mattered most (40%)",
            "The learning rate mattered most: 40% of the variance.",
        ),
        (
            {"width_1": 0.3, "label_smoothing": 0.29},
            "{} trials: units in layer 1 and label smoothing mattered most",
            "Units in layer 1 and label smoothing mattered most: together 59% of the variance.",
        ),
        (
            {"width_1": 0.146, "label_smoothing": 0.146},  # 15% each, as the figure says
            "{} trials: units in layer 1 and label smoothing mattered most",
            "Units in layer 1 and label smoothing mattered most: together 30% of the variance.",
        ),
    ],
)
def test_what_mattered_is_said_of_the_trials_that_tell_it(
    loaded: Results, monkeypatch: pytest.MonkeyPatch, shares: dict[str, float], title: str, said: str
) -> None:
    made = trials(loaded, 40, pruned=0)
    monkeypatch.setattr(importances, "shares", lambda _: shares)
    slide = slides.search(made)
    assert slide.title == title.format(len(importances.judged(made.trials)))
    assert said in slide.notes


def test_the_search_slide_says_what_is_compared(loaded: Results) -> None:
    both, same = convolutional(trials(loaded, 30, pruned=0)), "networks share"
    assert any(same in word for word in words_of(figures.parallel(both)))
    few_both = convolutional(loaded)
    kinds = (*portfolio.BASELINES, "portfolio conv 1")
    only = replace(few_both, trials=[trial for trial in few_both.trials if trial.kind in kinds])
    assert "shown are the convolutional networks" in words_of(figures.parallel(only))
    assert not any("shown are" in word for word in words_of(figures.parallel(loaded)))


def test_every_optimizer_has_its_name() -> None:
    assert network_words.OPTIMIZERS.keys() == set(space.SPACE["optimizer"][1])
    assert network_words.OPTIMIZERS.keys() <= space.RATE_FACTORS.keys(), (
        "the talk shows the rate that was used"
    )


def test_a_parameter_that_a_network_has_not_is_not_shown(loaded: Results) -> None:
    softmax = best_is_softmax(loaded)
    assert softmax.best.params["width_1"], "its trial records one"
    for name in ("width_1", "activation", "norm", "dropout", "input_dropout", "conv_width"):
        assert not network_words.has(softmax.best.params, name), name
    assert network_words.has(softmax.best.params, "learning_rate")
    said = slides.network(softmax).notes
    assert said.startswith("The best network is softmax, with no hidden layer.")
    words = words_of(figures.architecture(softmax))
    assert "units" not in words
    assert "dropout" not in words
    table = tables.trials(loaded)
    (number,) = (t.number for t in loaded.trials if t.kind == "softmax")
    assert table.loc[number, "width_1"] == ""
    assert table.loc[loaded.best.number, "width_1"]
    assert importances.shown_value(softmax.best, "width_1") is None


def test_one_network_has_one_accuracy(loaded: Results) -> None:
    """That of what is kept, and where another one is shown the difference is said."""
    kept = replace(loaded, trials=[replace(t, value=0.92) for t in history(loaded, [1.0, 0.5, 0.4]).trials])
    words = words_of(figures.learning_curves(kept))
    assert words[words.index("validation") + 1] == "92.0%"
    assert any(word.startswith("last epoch: ") for word in words)
    mirrored = [replace(t, params={**t.params, "flip": 1}) for t in kept.trials]
    words = words_of(figures.learning_curves(replace(kept, trials=mirrored)))
    assert any(word.endswith("; the saved one also averages the mirror image") for word in words)
    last = kept.best.history[-1].accuracy
    same = replace(kept, trials=[replace(t, value=last) for t in kept.trials])
    assert not any(word.startswith("last epoch: ") for word in words_of(figures.learning_curves(same)))
    assert "Alone it reaches 92.0%" in slides.network(kept).notes


def test_out_of_fold_validation_has_a_slide(loaded: Results) -> None:
    made = slides.build(folded(loaded))
    assert [slide.name for slide in made][2:5] == ["network", "folds", "confusion"]
    assert sum(slide.seconds for slide in made) == 180
    slide = made[3]
    assert slide.title == "Out of fold, 96.0% of all 1,437 pictures are correct"
    assert "the 95% interval is 2.0 points wide, instead of" in slide.notes
    words = words_of(figures.out_of_fold(folded(loaded)))
    assert {"fold 1", "fold 5", "validation alone, 144", "all folds, 1,437", "2 networks on each"} < set(
        words
    )
    assert re.match(r"96.0% correct out of fold, softmax \d+.\d% on validation", made[0].title)
    wide = folded(loaded)
    wide = replace(wide, scores=replace(wide.scores, interval=(0.2, 1.0)))  # wider than all others
    drawn = [np.asarray(line.get_xdata(), float) for line in figures.out_of_fold(wide).axes[0].lines]
    assert np.concatenate(drawn).min() == pytest.approx(330.0), "where the axis begins"
    assert np.concatenate(drawn).max() == pytest.approx(960.0)
    assert "folds" not in [slide.name for slide in slides.build(loaded)]


def test_the_columns_of_the_confusion_matrix_have_names(loaded: Results) -> None:
    texts = figures.confusion(loaded).axes[0].texts
    upright = [text.get_text() for text in texts if text.get_rotation() == 90]
    shown_ones = [loaded.competition.classes[i] for i in findings.shown_classes(loaded)]
    assert upright == shown_ones


def test_precision_and_recall_have_their_names_and_marks(loaded: Results) -> None:
    """Of classes of ten pictures, half of the fourth are taken for the sixth."""
    labels = np.repeat(np.arange(10), 10).astype(np.uint8)
    answer = labels.copy()
    answer[30:35] = 5
    said = np.where(np.eye(10)[answer] > 0, 0.91, 0.01).astype(np.float32)
    prepared = replace(loaded.prepared, validation=np.arange(100, dtype=np.int32))
    made = scored(loaded, said, labels, prepared=prepared)

    table, classes = tables.classes(made), made.competition.classes
    for row, by_hand in (
        (classes[3], [0.95, 1.0, 0.5, 0.6667]),
        (classes[5], [0.95, 0.6667, 1.0, 0.8]),
        ("all (accuracy, then macro averages)", [0.95, 0.9667, 0.95, 0.9467]),
    ):
        names = ("accuracy (one vs. rest)", "precision", "recall", "F1")
        assert [table.loc[row, name] for name in names] == by_hand

    axes, shown_ones = figures.confusion(made).axes[0], findings.shown_classes(made)
    at = {text.get_text(): text.get_position()[0] for text in axes.texts}
    circles, squares = (
        [float(np.asarray(line.get_xdata())[0]) for line in axes.lines if mark_of(line) == mark]
        for mark in (("o", 10), ("s", 9))
    )
    for place, precision, recall in ((3, 1.0, 0.5), (5, 2 / 3, 1.0)):
        row_at = shown_ones.index(place)
        found = [
            0.5 + 0.5 * (marks[row_at] - at["50%"]) / (at["100%"] - at["50%"]) for marks in (circles, squares)
        ]
        assert found == pytest.approx([precision, recall])


def mark_of(line: Line2D) -> tuple[object, float]:
    """A line's marker and its size; those that join others have none."""
    return line.get_marker(), line.get_markersize()


def test_a_pixel_s_evidence_is_scaled_by_its_spread(loaded: Results) -> None:
    weights = np.random.default_rng(0).normal(size=(64, 10)).astype(np.float32)
    votes = evidence.votes(replace(loaded, weights=weights))
    assert votes is not None
    pixels = np.asarray(loaded.prepared.pixels[loaded.prepared.train])
    assert not pixels[:, 0].any(), "a constant pixel"
    assert not votes[:, 0, 0].any()
    by_hand = (weights[20] - weights[20].mean()) * pixels[:, 20].std()
    np.testing.assert_allclose(votes[:, 2, 4], by_hand, rtol=1e-3, atol=1e-3)


def test_the_pixels_that_carry_half_of_the_weight_are_counted() -> None:
    """Of the second class they are two of eight, with 4 and 2 of 12; of the first, four."""
    level, uneven = [[1, 1, 1, 1], [1, 1, 1, 1]], [[1, -4, 1, 1], [2, 1, 1, 1]]
    assert evidence.half_a_vote(np.array([level, uneven], np.float64)) == (1, 0.25)


def test_the_group_of_classes_is_the_title(loaded: Results) -> None:
    names = tuple(f"a class of a really long name, number {i}" for i in range(10))
    made = wrong(loaded, 20)
    long_names = replace(made, competition=replace(made.competition, classes=names))
    assert slides.confusion(long_names).title == "2 of 10 classes hold 100% of all mistakes"
    spread = wrong(loaded, 19)
    assert findings.confused(spread) == (None, None)
    pair, block = findings.confused(wrong(loaded, 20))
    assert pair == (0, 1, 20)
    assert block is not None


def a_pair_beside_a_dozen(real: Results) -> Results:
    """24 classes: a dozen with 22 mistakes each, and two more with 20 each, all between these two."""
    dozen = [(i, j) for i in range(12) for j in range(12) if i != j]
    true, answer = np.array([*dozen, *[(12, 13), (13, 12)] * 10, *((i, i) for i in range(24))]).T
    said = np.full((len(true), 24), 0.01, np.float32)
    said[np.arange(len(true)), answer] = 0.77
    prepared = replace(real.prepared, validation=np.arange(len(true), dtype=np.int32))
    names = tuple(f"class {i}" for i in range(24))
    competition = replace(real.competition, classes=names, labels=tuple(range(24)))
    return scored(real, said, true.astype(np.uint8), competition=competition, prepared=prepared)


def test_the_group_of_many_classes_has_its_box(loaded: Results) -> None:
    made = a_pair_beside_a_dozen(loaded)
    _, block = findings.confused(made)
    assert block is not None
    assert {12, 13} < set(block.classes)
    shown_ones = findings.shown_classes(made)
    assert len(shown_ones) == 12
    assert set(block.classes) <= set(shown_ones)
    words = words_of(figures.confusion(made))
    assert "the box: 14% of all mistakes" in words


def test_where_not_all_classes_are_shown_it_is_said(loaded: Results) -> None:
    made = a_pair_beside_a_dozen(loaded)
    part = "12 of 24 classes, the box's and those with most mistakes"
    assert f"shown: {part}" in words_of(figures.confusion(made))
    by_mistakes = "the 12 of 24 classes with most mistakes"
    alone = made.labels < 12  # without the two classes that have fewer mistakes than the dozen
    held = replace(made.prepared, validation=made.prepared.validation[alone])
    dozen = scored(made, made.validation[alone], made.labels[alone], prepared=held)
    assert findings.shown_part(dozen) == by_mistakes
    slide = slides.confusion(made)
    assert part in slide.notes
    assert dict(slide.figures)["confusion"].startswith(f"Confusion matrix of {part}, on the validation")
    assert broken_rules([slide]) == []
    assert findings.shown_part(loaded) == ""
    assert not any("shown:" in word for word in words_of(figures.confusion(loaded)))


def test_the_last_slide_ends_with_score_forecast_and_looks(loaded: Results, html: str) -> None:
    following = slides.build(loaded)[-1]
    steps = [step for step in following.facts if step[2]]
    assert len(steps) == 2
    verbs = {"Add", "Raise", "Search", "Augment", "Average"}
    assert {then.split()[0] for _, _, then in steps} <= verbs
    score, forecast, looks = [fact for fact in following.facts if not fact[2]]
    assert score == (percent(loaded.scores.accuracy), "of 144 validation pictures", "")
    assert "forecast for the test" in forecast[1]
    assert looks == ("0", "looks at the test labels logged here", "")
    last = html[html.index('<section id="next"') :]
    assert last.index("looks at the test labels") > last.index("</ol>"), "below the steps"
    seen = slides.build(replace(loaded, test_score=replace(SCORE, looks=2)))[-1].facts[-3:]
    assert seen[0][:2] == ("90.0%", "on 360 test pictures")
    assert seen[1][1] == "was the forecast (95%): the score is outside"
    assert seen[2][:2] == ("2", "looks at the test labels")
    forecast_of = loaded.recipe.forecast
    assert forecast_of is not None
    recipe = replace(loaded.recipe, forecast=replace(forecast_of, interval=(0.941, 0.9496)))
    near = replace(loaded, recipe=recipe, test_score=replace(SCORE, accuracy=0.9502))
    above = slides.following(near).facts[-3:]
    assert (above[0][0], above[1][0]) == ("95.02%", "94.10% to 94.96%"), "rounded to 95.0%, both are equal"
    assert above[1][1].endswith("the score is outside")
    within = slides.following(replace(near, test_score=replace(SCORE, accuracy=0.945))).facts[-3:]
    assert (within[0][0], within[1][1]) == ("94.5%", "was the forecast (95%): the score is inside")
    one = slides.build(replace(loaded, looks=1))[-1].facts[-1]
    assert one[:2] == ("1", "look at the test labels, for other submissions")


def test_scores_of_kaggle_are_looks_at_the_test_labels_too(loaded: Results) -> None:
    first, *_, last = slides.build(replace(loaded, uploads=2))
    assert first.facts[2][1] == "test, scored 2 times on Kaggle"
    assert first.notes.endswith(". Our answers were scored 2 times on Kaggle.")
    assert last.facts[-1] == ("0", "looks at the test labels logged here; scored 2 times on Kaggle", "")
    first, *_, last = slides.build(replace(loaded, uploads=1, test_score=SCORE))
    assert first.facts[2][1] == "test, opened once, scored once on Kaggle"
    assert first.notes.endswith(". The test labels were read once; our answers were scored once on Kaggle.")
    assert last.facts[-1] == ("1", "look at the test labels; scored once on Kaggle", "")
    first, *_, last = slides.build(replace(loaded, uploads=1, sealed=False))
    assert first.facts[2][1] == "test, scored once on Kaggle"
    assert last.facts[-1][1] == "looks at the test labels, which are not here; scored once on Kaggle"


def trained_to(real: Results, training: float, value: float) -> Results:
    """The best trial's training accuracy after its last epoch, and its validation accuracy."""
    best = real.best
    last = replace(best.history[-1], train_accuracy=training, loss=0.01)
    made = replace(best, value=value, history=(*best.history[:-1], last))
    return replace(real, trials=[replace(made, number=0)])


def test_one_gap_is_large_on_both_slides(loaded: Results) -> None:
    for training, is_large in ((0.935, True), (0.915, False)):
        made = trained_to(loaded, training, 0.9)
        assert ("above validation" in slides.network(made).title) == is_large
        assert any("higher in training" in what for _, what, _ in next_steps.next_steps(made)) == is_large


def test_a_step_s_number_is_no_fraction_and_its_loss_has_a_name(loaded: Results) -> None:
    for best, what in ((10, "is the best trial; the last is 11"), (11, "is the best trial, and the last")):
        like = replace(loaded.best, kind="search")
        made = [replace(like, number=n, value=0.99 if n == best else 0.9) for n in range(12)]
        steps = next_steps._search(replace(loaded, trials=made))
        assert steps == [(f"{best}", what, "Search longer")]
    overfits = history(loaded, [1.0, 0.5, 0.4, 0.5, 0.6])
    assert next_steps.next_steps(overfits)[0][:2] == ("+50%", "validation loss after epoch 3")


def test_augmentation_is_not_proposed_where_it_is_used(loaded: Results) -> None:
    used = trained_to(convolutional(loaded), 0.99, 0.9)
    without = dict.fromkeys(network_words.AUGMENTATIONS, 0)
    unused = trained_to(convolutional(loaded, **without), 0.99, 0.9)
    said = [" ".join(then for _, _, then in next_steps.next_steps(made)) for made in (unused, used)]
    assert "Raise dropout or add augmentation" in said[0]
    assert "ugment" not in said[1]
    always = next_steps.next_steps(replace(never_wrong(used), trials=[replace(used.best, value=1.0)]))
    count = len(used.recipe.trials) + len(used.recipe.refit)
    assert (f"{count}", "networks in the submission", "Average more networks") in always


def test_only_what_is_not_used_is_added(loaded: Results) -> None:
    params = {**loaded.best.params, "depth": 1, **dict.fromkeys(network_words.AUGMENTATIONS, 0)}
    for dropout, after_a_gap, after_a_rise in (
        (0.0, "Add dropout or augmentation", "Add dropout, stop earlier"),
        (0.4, "Raise dropout or add augmentation", "Raise dropout, stop earlier"),
    ):
        best = replace(loaded.best, params={**params, "dropout": dropout})
        made = replace(loaded, trials=[best])
        assert next_steps.next_steps(trained_to(made, 0.99, 0.9))[0][2] == after_a_gap
        assert next_steps.next_steps(history(made, [1.0, 0.5, 0.4, 0.5, 0.6]))[0][2] == after_a_rise
    softmax = replace(loaded, trials=[replace(loaded.best, params={**params, "depth": 0})])
    assert next_steps.next_steps(trained_to(softmax, 0.99, 0.9))[0][2].startswith("Raise weight decay or")


def test_points_are_those_of_the_percentages_beside_them(loaded: Results) -> None:
    """94.54 - 85.46 is 9.08, and a listener sees 94.5 and 85.5."""

    def reached(ours: float, softmax: float) -> Results:
        simple = [replace(t, value=softmax) if t.kind == "softmax" else t for t in loaded.trials]
        return replace(loaded, trials=simple, scores=replace(loaded.scores, accuracy=ours))

    above = slides.problem(reached(0.9454, 0.8546)).title
    assert above == "94.5% correct on validation, 9.0 points above softmax"
    below = slides.problem(reached(0.8546, 0.9454)).title
    assert below == "85.5% correct on validation, 9.0 points below softmax"
    level = slides.problem(reached(0.9792, 0.9653)).title
    assert level == "97.9% correct on validation, softmax 96.5%: no clear difference", "2 of 144 pictures"
    assert slides.problem(reached(1.0, 1.0)).title == "100.0% correct on validation, softmax 100.0%: level"
    gap = trained_to(loaded, 0.9454, 0.8546)
    assert "training is 9.0 points above validation" in slides.network(gap).title
    assert "training is 9.0 points above validation" in slides.network(gap).notes
    assert next_steps.next_steps(gap)[0][:2] == ("+9.0", "points higher in training")


def test_the_axis_of_the_learning_curve_ends_where_it_says(loaded: Results) -> None:
    epochs = tuple(Epoch(i, 3, 0.1, 0.99, 0.1, value) for i, value in enumerate((0.9862, 0.99, 0.9941), 1))
    best = replace(loaded.best, history=epochs, value=0.9941)
    axes = figures.learning_curves(replace(loaded, trials=[best])).axes[0]
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    low, high = heights["98%"], heights["100%"]
    last = float(np.asarray(axes.lines[-1].get_ydata())[0])
    assert 0.98 + 0.02 * (last - low) / (high - low) == pytest.approx(0.9941)


def test_what_is_out_of_fold_is_not_called_validation(loaded: Results) -> None:
    made = folded(loaded)
    assert "validation accuracy with its 95% interval" in words_of(figures.baselines(loaded))
    ours = "accuracy with its 95% interval; the submission's on all rows, 5 folds"
    assert ours in words_of(figures.baselines(made))
    assert dict(slides.confusion(loaded).figures)["confusion"].startswith(
        "Confusion matrix on the validation pictures, "
    )
    assert dict(slides.confusion(made).figures)["confusion"].startswith(
        "Confusion matrix on the labelled pictures (5 folds), "
    )
    right = np.where(np.eye(10)[made.labels] > 0, 0.991, 0.001).astype(np.float32)
    none = words_of(figures.mistakes(replace(made, validation=right)))
    assert none == ["No mistakes on 1,437 labelled pictures (5 folds)."]
    assert words_of(figures.mistakes(never_wrong(loaded))) == ["No mistakes on 144 validation pictures."]


def test_networks_trained_again_are_part_of_the_submission(loaded: Results) -> None:
    chosen = replace(loaded.recipe.trials[0], number=loaded.best.number)
    other = replace(chosen, number=chosen.number + 1)
    again = RefitNetwork(chosen.number, 50_001, 2, (2, 2), 1437)

    def said(trials: tuple[RecipeTrial, ...], refit: tuple[RefitNetwork, ...]) -> str:
        recipe = replace(loaded.recipe, trials=trials, refit=refit)
        return slides.network(replace(loaded, recipe=recipe)).notes

    kept, ours = percent(loaded.best.accuracy), percent(loaded.scores.accuracy)
    assert said((chosen,), ()).endswith(f"It reaches {kept}, and is the whole submission.")
    alone = f"It reaches {kept}; the submission averages it and 1 network trained again on all rows."
    assert said((chosen,), (again,)).endswith(alone)
    together = f"the submission averages 2 networks ({ours}) and 2 trained again on all rows."
    assert said((chosen, other), (again, again)).endswith(f"Alone it reaches {kept}; {together}")


def test_the_best_network_may_not_be_in_the_submission(loaded: Results) -> None:
    one = replace(loaded.recipe.trials[0], number=loaded.best.number + 1)
    two = replace(one, number=one.number + 1)
    kept, ours = percent(loaded.best.accuracy), percent(loaded.scores.accuracy)
    for nets, what in (((one, two), "averages 2 networks"), ((one,), "is 1 network")):
        made = replace(loaded, recipe=replace(loaded.recipe, trials=nets, refit=()))
        end = f"Alone it reaches {kept}. It is not in the submission, which {what}: {ours}."
        assert slides.network(made).notes.endswith(end)


def test_a_configuration_in_folds_is_several_networks(loaded: Results) -> None:
    chosen = replace(loaded.recipe.trials[0], number=loaded.best.number)
    shifted = [replace(t, params={**t.params, "shift": 1.0}) for t in loaded.trials]
    made = replace(folded(loaded), trials=shifted)

    def of(*nets: RecipeTrial) -> Results:
        return replace(made, recipe=replace(made.recipe, trials=nets))

    two = of(chosen, replace(chosen, number=chosen.number + 1))
    trained, ours = "trained in 5 folds", "96.0% out of fold, on all rows"
    said = slides.network(two).notes
    assert said.endswith(f"; the submission averages 2 networks, each {trained}: {ours}.")
    one = slides.network(of(chosen)).notes
    assert one.endswith(f"; the submission averages 1 network, {trained}: {ours}.")
    assert "average of 2 networks in each of 5 folds: 96.0%" in words_of(figures.learning_curves(two))
    assert ("10", "networks in the submission", "Average more networks") in next_steps._always(two)


def test_mistakes_of_two_classes_are_not_spread_over_many(loaded: Results) -> None:
    """40 of the dogs are taken for cats."""
    labels = np.repeat(loaded.labels % 2, 10)
    said = np.full((len(labels), 2), 0.1, np.float32)
    said[np.arange(len(labels)), labels] = 0.9
    said[np.flatnonzero(labels == 1)[:40]] = (0.9, 0.1)
    prepared = replace(loaded.prepared, validation=np.arange(len(labels), dtype=np.int32))
    competition = replace(loaded.competition, classes=("cat", "dog"), labels=(0, 1))
    slide = slides.confusion(scored(loaded, said, labels, competition=competition, prepared=prepared))
    assert "Most often, dog is taken for cat: 40 times." in slide.notes
    assert "many classes" not in slide.notes


@pytest.mark.parametrize(
    "name", ["$5", "a $5 and a $10", "<s>", "__x__", "*a*", "`b`", "[c](d)", r"\(x\)", "&amp;", "~~e~~", "#1"]
)
def test_a_name_in_a_notebook_is_shown_as_it_is(name: str) -> None:
    facts = (("5%", f"of mistakes within {name}, {name}", "Add features"),)
    notes = f"Most often, {name} is taken for {name}."
    written_so = Slide("confusion", 25, f"{name} is 1 of 2", "", notes, (), facts).markdown().data
    assert not re.search(r"[$\\]", written_so), "JupyterLab looks for formulas before it reads Markdown"
    page = MarkdownIt("commonmark").render(written_so)
    pieces = [unescape(piece) for piece in re.split(r"<[^>]*>", page)]
    for words in (f"{name} is 1 of 2", notes, f"5% of mistakes within {name}, {name}: Add features"):
        assert words in "".join(pieces)
    # MathJax looks for formulas in the page, but not beyond an element.
    assert not [piece for piece in pieces if re.search(r"[$\\]", piece) and len(piece) > 1]


def test_one_of_something_is_singular(loaded: Results) -> None:
    preset = next_steps.next_steps(replace(loaded, trials=[loaded.best]))
    assert ("1", "network, not chosen by the search", "Search longer") in preset
    found = next_steps.next_steps(replace(loaded, trials=[replace(loaded.best, kind="search")]))
    assert ("1", "trial so far", "Search longer") in found
    slide = slides.mistakes(doubted(loaded, 25, unsure=1))
    assert slide.title == "This mistake was made with 40.0% confidence"
    assert slide.notes.startswith("The only mistake whose label does not look doubtful;")


@pytest.mark.parametrize("name", ["n02123045 tabby cat", "4006381333931"])
def test_a_class_s_long_name_is_left_out_of_what_is_said(
    name: str, loaded: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = evidence.Evidence(3, 0.2, "the upper left", "the lower right")
    monkeypatch.setattr(evidence, "clearest", lambda _: found)
    slide = slides.weights(
        replace(loaded, competition=replace(loaded.competition, classes=tuple([name] * 10)))
    )
    assert broken_rules([slide]) == []
    assert "For this class, ink at the upper left counts most" in slide.notes
    assert "For 3, ink at the upper left counts most" in slides.weights(loaded).notes


def test_the_submission_was_chosen_on_these_rows(loaded: Results) -> None:
    said = slides.problem(replace(loaded, recipe=replace(loaded.recipe, refit=()))).notes
    assert "We did not train on them, but chose by them, so this may be a little too high" in said
    assert "the forecast allows for part of it" in said, "which trials were kept was chosen by them, too"
    again = RefitNetwork(loaded.best.number, 50_001, 2, (2, 2), 1437)
    said = slides.problem(replace(loaded, recipe=replace(loaded.recipe, refit=(again,)))).notes
    measured = "correctly, with networks not trained on them, but chosen by them, so this may be"
    assert measured in said, "the others were trained on them"
    chosen = "networks not trained on it; networks and weights were chosen by"
    assert f"{chosen} these pictures." in slides.problem(folded(loaded)).notes, "of two configurations"
    one = folded(loaded)
    alone = replace(one, recipe=replace(one.recipe, fold_networks=one.recipe.fold_networks[:5]))
    assert f"{chosen} some of these pictures." in slides.problem(alone).notes


@pytest.mark.parametrize("sizes", [(1293, 144, 360), (54_000, 6000, 10_000)])
def test_the_first_slide_tells_baseline_split_and_test_labels(
    loaded: Results, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int, int]
) -> None:
    counts = duplicates.DistinctCounts(*sizes, two_labels=0, known=0)
    monkeypatch.setattr(duplicates, "count", lambda _: counts)
    slide = slides.problem(replace(loaded))
    assert "Softmax, the simplest network, reaches" in slide.notes
    assert f"{sizes[1]:,} validate" in slide.notes
    for sealed, state, end in (
        (True, "no look logged", "No look at the test labels is logged here."),
        (False, "labels not here", "The test labels are not here."),
    ):
        told_so = slides.problem(replace(loaded, sealed=sealed))
        assert told_so.facts[2][1] == f"test, {state}"
        assert told_so.notes.endswith(f". {end}")
    assert slide.seconds == 35
    assert slides.problem(folded(loaded)).seconds == 30
    assert slides.problem(folded(loaded)).notes.endswith("the test labels is logged here.")


def test_of_softmax_alone_nothing_was_chosen(loaded: Results) -> None:
    (softmax,) = (trial for trial in loaded.trials if trial.kind == "softmax")
    chosen = replace(loaded.recipe.trials[0], number=softmax.number, params=softmax.params)
    made = replace(
        loaded, trials=[softmax], recipe=replace(loaded.recipe, trials=(chosen,), refit=()),
        scores=replace(loaded.scores, accuracy=softmax.accuracy),
    )  # fmt: skip
    slide = slides.problem(made)
    assert slide.title == f"{percent(softmax.accuracy)} correct on validation, by softmax"
    assert "We did not train on them. " in slide.notes
    assert "chose by them" not in slide.notes
    assert slide.figures[0][1] == "Accuracies with 95% intervals: softmax, and the submission"
    whole = "Accuracies with 95% intervals: softmax, a layer of units, and the submission"
    assert slides.problem(loaded).figures[0][1] == whole
    stopped = replace(loaded.best, state="pruned", kind="search", ended=None)
    assert "chose by them" in slides.problem(replace(made, trials=[softmax, stopped])).notes


def test_a_further_baseline_is_in_the_talk(loaded: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    larger = {**portfolio.PLAIN, "depth": 2, "width_2": 1024}
    monkeypatch.setitem(portfolio.BASELINES, "third", larger)
    made = replace(loaded, trials=[*loaded.trials, replace(loaded.best, kind="third", params=larger)])
    whole = "softmax, a layer of units, 2 layers of units, and the submission"
    assert slides.problem(made).figures[0][1] == f"Accuracies with 95% intervals: {whole}"
    names = [one.name for one in accuracy_figures.simple_networks(made)]
    assert names == ["softmax", "128 units", "128 + 1,024 units"]


@pytest.mark.parametrize("case", CASES)
def test_no_small_number_is_a_reason(case: str, loaded: Results) -> None:
    for number, what, then in next_steps.next_steps(CASES[case](loaded)):
        assert then[0].isupper()
        if "points" in what:
            assert abs(float(number)) >= 0.3
    assert len(next_steps.next_steps(CASES[case](loaded))) == 2


def test_a_dense_network_is_shown_as_before(loaded: Results) -> None:
    said = slides.network(loaded).notes
    assert re.match(r"The best network is dense, with \d hidden layers? of [\d, and]+ units. It sees ", said)
    assert "trained for" in said
    assert "residual" not in said
    assert "convolutional" not in said
    assert {"pixels in", "classes out"} < set(words_of(figures.architecture(loaded)))


def test_training_is_shown_as_it_was(loaded: Results) -> None:
    """Of 1,293 rows, a batch is 64 at most; SGD's and Muon's learning rates are higher."""
    words = words_of(figures.architecture(loaded))
    assert words[words.index("batch size") + 1] == "64"
    for optimizer, muon, rate, decay in (
        ("adamw", 0, "0.005", "0.03"), ("sgd", 0, "0.15", "0.001"), ("sgd", 1, "0.15, Muon: 0.01", "0.001"),
    ):  # fmt: skip
        made = convolutional(
            loaded, optimizer=optimizer, conv_muon=muon, learning_rate=0.005, weight_decay=0.03
        )
        words = words_of(figures.architecture(made))
        assert words[words.index("learning rate") + 1] == rate
        assert words[words.index("weight decay") + 1] == decay


def test_a_pixel_of_a_colour_picture_is_three_values(loaded: Results) -> None:
    words = words_of(figures.architecture(colour(loaded)))
    assert words[words.index("values in") - 1] == "576"
    assert "one weight per pixel, colour and class" in slides.weights(colour(loaded)).notes
    assert "one weight per pixel and class" in slides.weights(loaded).notes


def test_pixels_stay_pixels(loaded: Results) -> None:
    for draw in (figures.samples, figures.looks_at):  # pictures in a row, and one by one
        assert {image.get_interpolation() for image in draw(loaded).axes[0].images} == {"none"}
    written_so = drawing.svg(figures.looks_at(loaded), "looks_at", "weights")
    assert written_so.count("image-rendering:pixelated") == written_so.count("<image") == 2
    _, axes = drawing.canvas(100, 100)
    drawing.picture(axes, np.zeros((128, 96), np.uint8), 0, 0, 46, is_ink=False)
    assert axes.images[0].get_interpolation() != "none", "what is made smaller is averaged"


def test_equal_pictures_do_not_share_an_id() -> None:
    figure, axes = drawing.canvas(100, 100)
    for x in (0, 50):
        drawing.picture(axes, np.zeros((8, 8), np.uint8), x, 0, 40, is_ink=False)
    ids = re.findall(r'\bid="([^"]*)"', drawing.svg(figure, "two", "two pictures"))
    assert len(ids) == len(set(ids))


def test_one_stencil_is_beside_a_mean_picture(loaded: Results) -> None:
    slide = slides.weights(loaded)
    found = evidence.clearest(loaded)
    assert found is not None
    name = loaded.competition.classes[found.place]
    assert (
        f"For {name}, ink at {found.supports} counts most; ink at {found.opposes} counts against"
        in slide.notes
    )
    figure = figures.looks_at(loaded)
    assert len(figure.axes[0].images) == 2
    words = words_of(figure)
    assert {f"the mean {name}", "blue: ink counts for it", f"most at {found.supports}"} < set(words)
    mean = evidence.mean_picture(loaded, found.place)
    assert mean.shape == (8, 8)
    assert len(figures.stencils(loaded).axes[0].images) == 10, "the notebook has all classes"


def test_where_evidence_is() -> None:
    said = np.zeros((9, 12))
    said[0:3, 8:12], said[6:9, 4:8] = 1.0, -1.0
    assert evidence.strongest(said) == ("the upper right", "the bottom")


def test_evidence_has_its_sign_and_large_ninths_do_not_win() -> None:
    even = np.ones((8, 8))  # cut into 3, 3 and 2
    even[6:, 6:] = 1.2
    assert evidence.strongest(even) == ("the lower right", "")
    assert evidence.strongest(-even) == ("", "the lower right")
    assert evidence.strongest(np.zeros((8, 8))) == ("", "")


def photographed(real: Results) -> Results:
    """The same digits as grey photographs."""
    values = np.asarray(real.prepared.pixels, np.float64).reshape(-1, 8, 8)
    photos = as_photos(Pictures(values / values.max(), np.asarray(real.prepared.labels)))
    return replace(real, prepared=replace(real.prepared, pixels=photos.integers().astype(np.uint8)))


def test_photographs_are_no_ink_on_paper(loaded: Results) -> None:
    assert loaded.is_ink
    made = photographed(loaded)
    assert not made.is_ink
    figure = figures.looks_at(made)
    mean = evidence.mean_picture(made, evidence.shown_class(made))
    drawn = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_array_equal(drawn, mean[..., None].repeat(3, axis=2), "not its negative")
    assert {"blue: light counts for it", "orange: light counts against it"} < set(words_of(figure))
    assert not re.search(r"\bink\b", slides.weights(made).notes)
    assert "Light under its blue pixels counts" in slides.weights(convolutional(made)).notes
    assert "light under orange counts against it" in words_of(figures.looks_at(convolutional(made)))


def test_all_figures_draw_photographs_as_they_are(loaded: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    made, asked, real = doubted(photographed(loaded)), list[bool](), drawing.coloured

    def seen(pixels: np.ndarray, is_ink: bool) -> np.ndarray:
        if pixels.ndim == 2:
            asked.append(is_ink)
        return real(pixels, is_ink)

    monkeypatch.setattr(drawing, "coloured", seen)
    drawn = (
        figures.samples, figures.confusion, figures.mistakes, figures.doubtful, figures.looks_at,
        explore.means, explore.neighbours,
    )  # fmt: skip
    for draw in drawn:
        asked.clear()
        draw(made)
        assert asked, "it shows pictures"
        assert not any(asked), draw.__name__
    figures.architecture(convolutional(made))
    assert not any(asked)
    figures.samples(loaded)
    assert asked[-1]


def a_hundred_classes(real: Results, name: str) -> Results:
    """Each of them called this, with its number."""
    names = tuple(name.format(i) for i in range(100))
    labels = (np.arange(len(real.prepared.labels)) % 100).astype(np.uint8)
    competition = replace(real.competition, classes=names, labels=tuple(range(100)))
    return replace(real, competition=competition, prepared=replace(real.prepared, labels=labels))


def test_names_and_pictures_of_a_hundred_classes_are_apart(loaded: Results) -> None:
    axes = figures.samples(a_hundred_classes(loaded, "class {}")).axes[0]
    boxes = []
    for image in axes.images:
        left, right, bottom, top = image.get_extent()
        boxes.append((left, right, top, bottom))
    for text in axes.texts:
        x, y = text.get_position()
        boxes.append((x - drawing.width_of(text.get_text()), x, y - 10, y + 10))
    assert len(boxes) == 48 + 48 + 1, "a line says that they are not all"
    for one, other in combinations(boxes, 2):
        is_beside = one[1] <= other[0] or other[1] <= one[0]
        assert is_beside or one[3] <= other[2] or other[3] <= one[2]


def test_names_of_a_hundred_classes_can_be_read(loaded: Results) -> None:
    made = a_hundred_classes(loaded, "category{:02}")
    *names, part = words_of(figures.samples(made))
    assert part == "the first 48 of 100 classes"
    assert min(len(name.removesuffix("…")) for name in names) >= 5
    assert samples_alt(made) == "Training pictures of the first 48 of 100 classes"
    assert samples_alt(loaded) == "Training pictures of all 10 classes"
    *_, last = words_of(figures.samples(loaded))
    assert last == loaded.competition.classes[-1]


def test_augmented_copies_of_dark_pictures_are_as_bright_as_the_picture(loaded: Results) -> None:
    """Some files have 16 grey values, which are stretched to be seen."""
    dark = replace(loaded.prepared, pixels=np.asarray(loaded.prepared.pixels) // 16)
    figure = explore.augmented(results.Data(loaded.competition, dark))
    row = np.asarray(figure.axes[0].images[0].get_array())
    contrasts = [int(np.ptp(cell)) for cell in np.split(row, 1 + explore.COPIES, axis=1)]
    assert min(contrasts) > 0.5 * max(contrasts)


def test_alternative_texts_of_the_notebooks_say_what_is_drawn(loaded: Results) -> None:
    many = many_classes(loaded)
    whole = "The softmax baseline's weights, one picture per class"
    assert stencils_alt(loaded) == whole
    part = "one picture for each of 10 of 24 classes"
    assert stencils_alt(many) == f"The softmax baseline's weights, {part}"
    assert "shown: 10 of 24 classes" in words_of(figures.stencils(many))
    assert not any("shown:" in word for word in words_of(figures.stencils(loaded)))
    assert stencils_alt(replace(loaded, weights=None)) == "The softmax baseline's weights were not kept"
    assert stencils_alt(convolutional(loaded)) == f"{whole}; beside them, first filters"
    for name, alts in {
        "talk": ("samples_alt(results)", 'made["confusion"].figures[0][1]', "stencils_alt(results)"),
        "hackathon": ("slides.confusion(results).figures[0][1]",),
        "explore": ("samples_alt(data)",),
    }.items():
        cells = json.loads((REPOSITORY / f"notebooks/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        code = "".join(line for cell in cells if cell["cell_type"] == "code" for line in cell["source"])
        assert all(f"alt={alt})" in code for alt in alts)


def test_evidence_of_one_sign_is_said_as_such(loaded: Results) -> None:
    found = evidence.Evidence(3, 0.2, "the top", "")
    assert evidence.sentence(loaded, found, "3") == "Ink at the top counts most for 3."
    against = replace(found, supports="", opposes="the left")
    assert evidence.sentence(loaded, against, "3") == "Ink at the left counts most against 3."
    assert "In no part" in evidence.sentence(loaded, replace(found, supports=""), "3")


def test_first_filters_are_beside_a_mean_picture(loaded: Results) -> None:
    made = convolutional(loaded)
    slide = slides.weights(made)
    assert slide.title == "The first layer looks for 32 patterns of 5\N{MULTIPLICATION SIGN}5 pixels"
    assert "filters" in slide.source
    figure = figures.looks_at(made)
    assert len(figure.axes[0].images) == 1 + 16 + 1, "mean picture, filters, an answer"
    assert "16 of 32 first filters" in words_of(figure)
    alt = "A mean picture, 16 of 32 first filters, and one filter's answer to the picture"
    assert slide.figures == (("looks_at", alt),)
    first = replace(made.recipe.trials[0], number=made.best.number + 1)
    for nets in ((first, *loaded.recipe.trials), (first, *made.recipe.trials)):
        other = replace(made, recipe=replace(made.recipe, trials=nets))
        assert slides.weights(other).title == slides.weights(loaded).title, "the first one's were kept"
    assert slides.weights(replace(loaded, filters=made.filters)).title == slides.weights(loaded).title, (
        "filters of a network that is not the best"
    )
    both = figures.stencils(made)
    assert len(both.axes[0].images) == 10 + 32


def test_filters_are_sorted_and_share_one_scale() -> None:
    filters = np.zeros((3, 3, 1, 40), np.float32)
    filters[1, 1, 0] = np.linspace(-0.5, 1.0, 40)
    made = filter_pictures(filters)
    assert len(made) == 32
    paper, blue = (
        np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (drawing.PAPER, drawing.BLUE)
    )
    assert np.array_equal(made[0][1, 1], blue), "the largest weight"
    assert np.array_equal(made[0][0, 0], paper)
    strengths = [int(np.abs(one[1, 1].astype(int) - paper).sum()) for one in made]
    assert strengths[0] > strengths[-1] > 0, "a small filter is pale"
    colour = np.zeros((3, 3, 3, 2), np.float32)
    colour[:, :, 0, 1] = 1.0
    red, nothing = filter_pictures(colour)
    assert (red[1, 1].tolist(), nothing[1, 1].tolist()) == ([255, 128, 128], [128, 128, 128])
