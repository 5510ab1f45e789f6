"""The last slide: two next steps, then the score, its forecast, and how often the test labels were read."""

from catwalk.core.plurals import counted
from catwalk.report import findings
from catwalk.report.formatting import percent, scored_on_kaggle
from catwalk.report.next_steps import next_steps
from catwalk.report.problem_slide import looks
from catwalk.report.results import Results
from catwalk.report.slide import Slide, told

SECONDS = 20


def following(results: Results) -> Slide:
    """Next steps, each with a number from the results as its reason; at the end, what the score is."""
    steps = next_steps(results)
    wrong = len(findings.mistakes(results))
    title = f"{len(steps)} steps come next, against the remaining {counted(wrong, 'mistake')}"
    if not wrong:
        title = f"{len(steps)} steps come next, although no mistakes are left here"
    todo = " ".join(f"{then}: {number} {what}." for number, what, then in steps)
    briefly = " ".join(f"{then}." for _, _, then in steps)
    end = f"{_spoken(results)} Thank you!"
    return Slide(
        "next",
        SECONDS,
        title,
        "all of the above · recipe.forecast" + (" · score" if results.test_score else ""),
        told(SECONDS, f"Next: {todo} {end}", f"Next: {briefly} {end}", f"Next: {briefly} Thank you!"),
        (),
        (*steps, *closing(results)),
    )


def closing(results: Results) -> tuple[tuple[str, str, str], ...]:
    """What stays on the screen: the score, its forecast, and how many looks at the test there were."""
    assert results.recipe.forecast is not None
    low, high = results.recipe.forecast.interval
    test, known = results.test_score, results.distinct.known
    labelled = f" ({known:,} of them labelled)" if known else ""
    if test is None:
        score = (percent(results.scores.accuracy), f"of {results.accuracy_of}", "")
        forecast = (f"{percent(low)} to {percent(high)}", f"forecast for the test (95%){labelled}", "")
    else:
        pictures = f"{test.rows:,} test pictures"
        if test.rows != test.pictures:
            pictures = f"{test.rows:,} test rows ({counted(test.pictures, 'different picture')})"
        is_inside = low <= test.accuracy <= high
        reached, start, end = _as_they_compare(test.accuracy, low, high, is_inside)
        score = (reached, f"on {pictures}{labelled}", "")
        side = "inside" if is_inside else "outside"
        forecast = (f"{start} to {end}", f"was the forecast (95%): the score is {side}", "")
    count = looks(results)
    seen = f"look{'' if count == 1 else 's'} at the test labels"
    if not results.sealed and test is None:
        seen += ", which are not here"
    elif not count:
        seen += " logged here"
    elif test is None:
        seen += ", for other submissions"
    if results.uploads:
        seen += f"; {scored_on_kaggle(results.uploads)}"
    return score, forecast, (f"{count:,}", seen, "")


def _as_they_compare(accuracy: float, low: float, high: float, is_inside: bool) -> list[str]:
    """The score and both ends, with so many digits that they show whether it is inside."""
    for digits in range(1, 5):
        score, start, end = (float(percent(share, digits, sign="")) for share in (accuracy, low, high))
        if (start <= score <= end) == is_inside:
            break
    return [percent(share, digits) for share in (accuracy, low, high)]


def _spoken(results: Results) -> str:
    """The same, to say."""
    (score, what, _), (forecast, _, _), (count, seen, _) = closing(results)
    if results.test_score is None:
        return f"We are right on {score} {what}, and expect {forecast} on the test, after {count} {seen}."
    return f"The score is {score} {what}; the forecast was {forecast}. That took {count} {seen}."
