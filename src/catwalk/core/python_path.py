"""Keeps modules on PYTHONPATH or in the current folder from shadowing this environment's modules."""

import os
import sys

MEANT_TO = {"sitecustomize", "usercustomize"}  # modules that are put on PYTHONPATH on purpose


def leave_out_what_shadows() -> None:
    """Restart without the folders on PYTHONPATH, or the current one, whose modules shadow this environment's.

    Workers and notebooks' kernels inherit the shortened path. Folders of this checkout stay, and those that
    shadow no module. Does not return if it restarts.
    """
    given = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    hidden = {folder: name for folder in given if (name := _shadowing(folder, given))}
    changed = {}
    if hidden:
        changed["PYTHONPATH"] = os.pathsep.join(folder for folder in given if folder not in hidden)
    for folder, name in hidden.items():
        _say(f"PYTHONPATH={folder} is ignored: its module {name} shadows this environment's")
    # python -m looks in the current folder first, where the user may have a random.py.
    if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()] and (name := _shadowing(sys.path[0], given)):
        changed["PYTHONSAFEPATH"] = "1"
        _say(f"modules in the current folder are ignored: its module {name} shadows this environment's")
    if changed:
        command = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **changed})  # noqa: S606


def _say(line: str) -> None:
    print(f"catwalk: {line}", file=sys.stderr, flush=True)


def _shadowing(folder: str, given: list[str]) -> str | None:
    """A module in ``folder`` that is also in the environment; None if there is none."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    source, place = os.path.dirname(package), os.path.abspath(folder)
    checkout = os.path.dirname(source)
    is_checkout = os.path.isfile(os.path.join(checkout, "pyproject.toml"))
    if place == source or (is_checkout and (place + os.sep).startswith(checkout + os.sep)):
        return None
    places = {os.path.abspath(one) for one in given}
    own = [one for one in sys.path[1:] if one and os.path.abspath(one) not in places]
    mine = set(sys.stdlib_module_names).union(*map(_modules, own))
    return min(_modules(folder) & mine - MEANT_TO, default=None)


def _modules(folder: str) -> set[str]:
    """The modules that a folder contains: files, and packages with an ``__init__``."""
    try:
        entries = os.listdir(folder)
    except OSError:
        return set()
    found = set()
    for entry in entries:
        name, ending = os.path.splitext(entry)
        if ending in (".py", ".so", ".pyd"):
            found.add(name.split(".")[0])
        elif not ending and os.path.isfile(os.path.join(folder, entry, "__init__.py")):
            found.add(entry)
    return found
