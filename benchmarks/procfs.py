"""What Linux tells of processes (/proc): children, workers of a search, what one holds."""

import contextlib
from pathlib import Path


def descendants_of(parent: int) -> list[int]:
    """Process ids below ``parent``, all generations; none where it is gone."""
    return [one for child in _children_of(parent) for one in (child, *descendants_of(child))]


def workers_of(parent: int) -> list[int]:
    """Those that do work: the fork server's children, or what was spawned; not the resource tracker."""
    children = _children_of(parent)
    spawned = [pid for pid in children if b"spawn_main" in _command(pid)]
    servers = [pid for pid in children if b"multiprocessing.forkserver" in _command(pid)]
    return [*spawned, *(pid for server in servers for pid in _children_of(server))]


def _children_of(parent: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [int(p) for p in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return []


def _command(pid: int) -> bytes:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def alive(pid: int) -> bool:
    """Whether the process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def held(pid: int) -> dict[str, float] | None:
    """A process's resident megabytes, open files and threads; None where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        return {
            "megabytes": int(status["VmRSS"].split()[0]) / 1024,
            "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "threads": int(status["Threads"]),
        }
    except (FileNotFoundError, ProcessLookupError, KeyError):  # a zombie has no memory
        return None
