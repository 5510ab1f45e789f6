"""Unknown competition: what to do where COMPETITION= names no TOML."""

from catwalk.core.paths import Paths


def what_to_do(paths: Paths) -> str:
    """The advice: look at the files in the raw folder if there are any, else choose a name or give files."""
    if any(path != paths.manifest for path in paths.raw.glob("[!.]*")):
        return "run make new"
    return "choose one with COMPETITION=, or, for a new one, set SOURCE= to its files and run make new"
