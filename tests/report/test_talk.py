"""talk.py, slides.py, browser.py: the talk in a real browser, for all that may have been run."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from catwalk.core.errors import UserError
from catwalk.models import metrics, portfolio, space
from catwalk.models.epoch import Epoch
from catwalk.report import browser, drawing, explore, figures, findings, results, slides, talk
from catwalk.report.formatting import percent
from catwalk.report.results import Results
from catwalk.report.slide import check
from catwalk.report.weight_figures import filter_pictures
from catwalk.submission.score import ScoreRecord
from tests.conftest import Run

SIZES = {"beamer": (1280, 720), "full HD": (1920, 1080), "phone across": (844, 390)}
CHROMIUM = browser.find()
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

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
    """As many trials, made of the real ones with other values and parameters."""
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        like = real.trials[number % len(real.trials)]
        params = {**like.params, "learning_rate": float(random.uniform(2e-4, 1e-2))}
        state = "pruned" if number > 2 and random.random() < pruned else "complete"
        value = float(random.uniform(0.8, 0.97))
        made.append(replace(like, number=number, params=params, state=state, value=value))
    return replace(real, trials=made)


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


SCORE = ScoreRecord(accuracy=0.9, interval=(0.87, 0.93), precision=0.9, recall=0.9, f1=0.9, rows=360, looks=1)

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
}  # fmt: skip
QUICK = ("digits", "two trials", "a convolutional network")  # the others run in make test-all


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

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
        page.keyboard.press("ArrowRight")
    page.close()


@needs_chromium
def test_keys_and_the_speaker_s_window(loaded: Results, html: str, chromium: Any, tmp_path: Path) -> None:
    page, wrong = shown(chromium, written(html, tmp_path), SIZES["beamer"])
    made = slides.build(loaded)

    def now() -> str:
        return str(page.evaluate("document.querySelector('.slide.now').id"))

    for key, name in (
        ("PageDown", "split"), (" ", "search"), ("ArrowLeft", "split"), ("PageUp", "problem"),
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
    assert now() == "search", "the clicker works in either window"
    window.close()
    page.bring_to_front()
    page.keyboard.press("r")
    assert page.is_visible("#search aside")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement !== null")
    page.close()
    assert not wrong


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
            assert (slide.notes[-30:] in words) == bool(fragment)


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
    assert sum(slide.seconds for slide in good) <= 180
    for change in (
        {"title": "a title without a figure"},
        {"title": "9" * 65},
        {"notes": "word " * 100},
        {"seconds": 100},
    ):
        with pytest.raises(UserError):
            check([replace(good[0], **change), *good[1:]])


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
    assert "above the softmax baseline" not in made["problem"].title
    assert "15 pictures are too few" in made["network"].title
    assert "15 validation pictures" in made["confusion"].title
    assert "15 pictures are too few to rank them" in made["search"].title
    assert "too few to judge" not in slides.build(few(loaded, 20))[0].title

    classes = slides.confusion(wrong(loaded, 10, many=1))
    assert classes.title == "144 validation pictures are too few to rank 10 classes"
    assert "10 mistakes, too few to say" in classes.notes
    many = slides.confusion(wrong(loaded, 19))
    assert "is the hardest: F1" in many.title, "there are pictures enough of each class"
    assert "Most common mistake" not in many.notes
    assert slides.mistakes(wrong(loaded, 19)).title == "19 mistakes on 1,440 validation pictures"
    enough = slides.confusion(wrong(loaded, 20))
    assert "Most common mistake: 0 predicted as 1, 20 times" in enough.notes
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
    prepared = replace(loaded.prepared, duplicates={"train": 0, "test": 0, "both": known})
    made = slides.build(replace(loaded, prepared=prepared, test_score=test_score, sealed=True, looks=1))
    words = " ".join([s.title + s.notes + str(s.facts) for s in made])
    assert not re.search("sealed|unseen|closed", words)
    assert made[1].title == f"{known} of 360 test pictures are among the labelled ones"
    assert f"{known} test pictures are among the labelled ones" in made[0].notes
    if test_score:
        assert any(f"({known} of them labelled)" in what for _, what, _ in made[0].facts)
    assert re.search("sealed", slides.build(replace(loaded, looks=1))[0].notes)


def test_repeated_pictures_are_shown_once(loaded: Results) -> None:
    rows = np.repeat(loaded.prepared.validation, 3)
    pixels = loaded.prepared.pixels[rows]
    labels = loaded.prepared.labels[rows]
    prepared = replace(
        loaded.prepared, pixels=pixels, labels=labels, train=np.arange(30, dtype=np.int32),
        validation=np.arange(len(rows), dtype=np.int32), duplicates={"train": 288, "test": 0, "both": 0},
    )  # fmt: skip
    wrong_ones = np.eye(10, dtype=np.float32)[(labels + 1) % 10]
    made = scored(loaded, wrong_ones, labels, prepared=prepared)
    assert made.distinct.validation == 144
    assert len(findings.mistakes(made)) == 144
    assert slides.problem(made).facts[0][1].startswith("of 144 validation pictures")


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
    assert any("read 2 times" in what for _, what, _ in slides.problem(scored_talk).facts)
    assert "read 2 times" in slides.problem(scored_talk).notes
    assert percent(0.99999) == "99.9%"


def words_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_doubtful_labels_have_a_slide_after_the_mistakes(loaded: Results) -> None:
    made = slides.build(doubted(loaded))
    names = [slide.name for slide in made]
    assert names[5:8] == ["mistakes", "doubtful", "weights"]
    assert sum(slide.seconds for slide in made) == 180
    mistakes, slide = made[5:7]
    assert slide.title == "15 of 144 labels look doubtful"
    assert "We changed nothing." in slide.notes
    assert mistakes.title == "10 mistakes with at least 40.0% confidence"
    assert "10 mistakes out of 27" in mistakes.notes
    assert [slide.name for slide in slides.build(never_wrong(loaded))] == names[:6] + names[7:]


def test_the_dozen_most_doubtful_labels_are_shown(loaded: Results) -> None:
    made = doubted(loaded)
    assert findings.doubtful(made).tolist() == list(range(12, 27)), "the most confident answer first"
    words = words_of(figures.doubtful(made))
    assert len(words) == 24
    classes = made.competition.classes
    label = made.labels[12]
    assert words[:2] == [f"label: {classes[label]}", f"“{classes[(label + 1) % 10]}” 99%"]
    other = words_of(figures.mistakes(made))
    assert len(other) == 20, "ten mistakes, none of them with a doubtful label"
    assert f"“{classes[(made.labels[0] + 2) % 10]}”" == other[0]
    assert words_of(figures.doubtful(never_wrong(loaded))) == ["None of the 144 labels looks doubtful."]


def test_few_doubtful_labels_and_no_others_are_left_with_the_mistakes(loaded: Results) -> None:
    assert findings.are_labels_doubtful(doubted(loaded, 3))
    assert not findings.are_labels_doubtful(doubted(loaded, 2))
    assert not findings.are_labels_doubtful(doubted(loaded, 15, unsure=0)), "all mistakes would be there"
    assert not findings.are_labels_doubtful(few(doubted(loaded, 3, unsure=3), 15))
    told = slides.mistakes(doubted(loaded, 15, unsure=0))
    assert told.seconds == 20
    assert "some labels may be wrong" in told.notes


def test_explore_says_what_to_run_for_doubtful_labels(
    loaded: Results, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    figure = explore.doubtful(results.Data(loaded.competition, loaded.prepared))
    assert words_of(figure) == ["digits has no submission yet: run make predict COMPETITION=digits"]


def test_a_convolutional_network_is_shown_as_one(loaded: Results) -> None:
    made = convolutional(replace(loaded, recipe=replace(loaded.recipe, trials=loaded.recipe.trials[:1])))
    said = slides.network(made).notes
    plan = "convolutional, with 2 stages of 1 residual block each, on raw pixels"
    assert said.startswith(f"The best network is {plan}. ")
    assert said.endswith("The submission averages 1 dense and 1 convolutional network. ")
    words = words_of(figures.architecture(made))
    for size, rest in (
        ("8x8", "pixels in"),
        ("8x8", ", 32 channels, 1 block"),
        ("4x4", ", 64 channels, 1 block"),
    ):
        place = words.index(rest)
        assert words[place - 1] == size.replace("x", "\N{MULTIPLICATION SIGN}")
    assert words[words.index("dropout") + 1] == "0.1"
    assert words[words.index("augmentation") + 1] == "flip, mixup"
    assert "hidden" not in " ".join(words)
    large = words_of(figures.architecture(large_convolutional(loaded)))
    assert [word for word in large if "blocks" in word] == [
        f", {channels} channels, 3 blocks" for channels in (128, 256, 512, 1024)
    ]


def test_the_search_slide_says_what_is_compared(loaded: Results) -> None:
    both, same = convolutional(loaded), "networks share"
    assert any(same in word for word in words_of(figures.parallel(both)))
    assert "by the parameters that both families of networks have" in slides.search(both).notes
    searched = [trial for trial in both.trials if trial.kind in (*portfolio.BASELINES, "portfolio conv 1")]
    only = replace(both, trials=searched)
    assert "shown are the convolutional networks" in words_of(figures.parallel(only))
    assert "one of the 1 complete convolutional trials" in slides.search(only).notes
    assert not any("shown are" in word for word in words_of(figures.parallel(loaded)))


def test_a_dense_network_is_shown_as_before(loaded: Results) -> None:
    said = slides.network(loaded).notes
    assert re.match(r"The best network is dense, with \d hidden layers?, on ", said)
    assert "residual" not in said
    assert "convolutional" not in said
    assert {"pixels in", "classes out"} < set(words_of(figures.architecture(loaded)))


def test_first_filters_are_beside_the_softmax_weights(loaded: Results) -> None:
    made = convolutional(loaded)
    slide = slides.weights(made)
    assert slide.title == slides.weights(loaded).title
    assert "first" in slide.notes
    assert "filters" in slide.source
    plain, both = figures.stencils(loaded), figures.stencils(made)
    assert len(both.axes[0].images) == len(plain.axes[0].images) + 32
    assert "convolutional filters" in words_of(both)
    assert "convolutional filters" not in words_of(plain)


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
