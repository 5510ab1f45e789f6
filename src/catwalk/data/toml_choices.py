"""TOML choices: whether a TOML that is there agrees with LABEL=, SHAPE= and so on, which do not change it."""

from collections.abc import Callable

from catwalk.core.errors import UserError
from catwalk.data import infer_shape
from catwalk.data.competition import Competition

CHOICES = ("TRAIN", "TEST", "LABEL", "SHAPE", "ID", "TRANSPOSE")  # what the user may decide
PLACES = ("first", "last")  # of a column that may as well have a name


def check(known: Competition, choice: dict[str, str], say: Callable[[str], None]) -> None:
    """Compare what the user decides with the TOML.

    Args:
        known: the TOML.
        choice: what the user decides, by the names in ``CHOICES``.
        say: prints a line about what may be the same or not.

    Raises:
        UserError: the TOML says otherwise.
    """
    where = f"competitions/{known.name}.toml"
    same = {name: _is_same(known, name, text) for name, text in choice.items()}
    if others := [name for name, is_same in same.items() if is_same is False]:
        names = f"{'=, '.join(others)}="
        fix = f"change it in the TOML, or leave {names} out"
        raise UserError(f"exists, and is not changed by {names}", where=where, fix=fix)
    if unclear := [name for name, is_same in same.items() if is_same is None]:
        say(f"all: {where} exists, and is not changed by {'=, '.join(unclear)}=: edit it there")


def _is_same(known: Competition, name: str, text: str) -> bool | None:
    """Whether the TOML has what was decided; None: not known, as one of them names a column by its place."""
    word = text.casefold()
    if name in ("LABEL", "ID"):
        column = ((known.label_column if name == "LABEL" else known.id_column) or "").casefold()
        return word == column or (None if {word, column} & set(PLACES) else False)
    if name == "SHAPE":
        try:
            shape = infer_shape.parse(text, known.pixels)
        except ValueError:
            return False
        return (shape.sides, shape.is_planar) == (known.shape, known.is_planar)
    if name == "TEST" and known.test_share is not None:
        return text.replace(".", "", 1).isdecimal() and float(text) == known.test_share
    says = {"TRAIN": known.train_file, "TEST": known.test_file, "TRANSPOSE": str(known.is_transposed)}
    return word == says[name].casefold()
