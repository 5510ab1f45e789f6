"""Column names: whether the name of a CSV's column says that it holds the label, or an id."""

import re

LABEL = re.compile(
    r"(class|target|y|letter|char(acter)?|digit|emotion|symbol|category|species|diagnosis|dx|sign|type)s?"
    r"|.*label.*|.*class.*|.*target.*",
    re.IGNORECASE,
)
ID = re.compile(
    r"(.*[^a-z])?(id|ids|index|row|rownames|no|nr|number|image_?id|file(name)?|path)", re.IGNORECASE
)


def is_label(name: str) -> bool:
    """Whether a column of this name looks like the label."""
    return bool(LABEL.fullmatch(name))


def is_id(name: str) -> bool:
    """Whether a column of this name looks like an id: image_id, PictureId, row, file."""
    return bool(ID.fullmatch(name)) or name.endswith("Id")
