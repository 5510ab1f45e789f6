"""The keys of a competition's TOML: any other is refused."""

from typing import Any

KEYS: dict[str, set[str]] = {
    "": {"title", "shape", "classes", "labels", "augment", "files", "columns", "submission"}
    | {"sources", "sha256"},
    "files": {"train", "test", "sample", "rows", "train_labels", "test_labels"},
    "columns": {"header", "label", "id", "pixels", "first_pixel", "scale", "planes", "transpose"}
    | {"lowest", "skip_rows", "usage", "ignore"},
    "submission": {"header", "first_id", "competition", "full_marks", "labels"},
    "sources": {"kaggle_dataset", "kaggle_competition", "debian", "keras", "sklearn"},
}

# The names that SOURCE= takes for them.
SOURCES = {key.split("_")[0] for key in KEYS["sources"]}


def refuse_unknown(table: dict[str, Any]) -> None:
    """Check that each key is known.

    Raises:
        ValueError: one is not; the message lists those that are.
        TypeError: a section is not a table.
    """
    for section, known in KEYS.items():
        content = table.get(section, {}) if section else table
        if not isinstance(content, dict):
            raise TypeError(f"[{section}] must be a table")
        unknown = sorted(set(content) - known)
        if unknown:
            where = f"[{section}] " if section else ""
            raise ValueError(f"{where}unknown key {unknown[0]!r} (known: {', '.join(sorted(known))})")
