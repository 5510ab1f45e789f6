"""The terminal: asks the user a question; a notebook that runs the command has none."""

import getpass
import os

NOTEBOOK = "CATWALK_NOTEBOOK"  # set where a notebook on Kaggle or Colab runs the command (run_stage.py)


def is_notebook() -> bool:
    """Whether a notebook on Kaggle or Colab runs the command."""
    return NOTEBOOK in os.environ


def ask(question: str, *, hidden: bool = False) -> str:
    """What the user types, without the end of the line.

    Args:
        question: shown in front of it.
        hidden: whether it is a secret, which is not shown as it is typed.

    Raises:
        KeyboardInterrupt: Ctrl-C, or Ctrl-D instead of an answer.
    """
    try:
        return getpass.getpass(question) if hidden else input(question)
    except EOFError:
        print()  # what is said next begins on a line of its own
        raise KeyboardInterrupt from None
