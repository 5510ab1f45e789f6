"""terminal.py: a question, and its end without an answer."""

import pytest

from catwalk.core import terminal


@pytest.mark.parametrize(("hidden", "asks"), [(False, "builtins.input"), (True, "getpass.getpass")])
def test_ctrl_d_is_as_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], hidden: bool, asks: str
) -> None:
    answers = ["one"]

    def answer(question: str) -> str:
        assert question == "what? "
        if not answers:
            raise EOFError
        return answers.pop()

    monkeypatch.setattr(asks, answer)
    assert terminal.ask("what? ", hidden=hidden) == "one"
    with pytest.raises(KeyboardInterrupt):
        terminal.ask("what? ", hidden=hidden)
    assert capsys.readouterr().out == "\n", "the line that follows stands alone"
