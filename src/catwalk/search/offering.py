"""Offering: stores a search's best networks for the team, in a thread beside the search."""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from catwalk.core.paths import Paths
from catwalk.search import artifacts, model_store, storage_errors, study

if TYPE_CHECKING:
    import optuna

END_SECONDS = 15.0  # after a search's end in which networks are still stored, for UNTIL= has to hold
LATER = "make predict stores them later"


class Offering:
    """Stores networks that this member has trained, as long as they are among the team's best.

    Args:
        paths: the competition's; without a team there is nothing to do.
        opened: the study.
    """

    def __init__(self, paths: Paths, opened: "optuna.Study") -> None:
        self._paths, self._opened, self._key = paths, opened, study.key(opened)
        self._stores = artifacts.stores(paths, opened) if paths.team else []
        self._done: set[int] = set()  # trials whose networks are stored, or can't be
        self._refused: list[str] = []
        self._why, self._is_full = "", False  # of an attempt that failed: the reason, whether it was the disk
        self._thread: threading.Thread | None = None
        self._ends: float | None = None  # ``time.monotonic()``

    def go_on(self) -> None:
        """Store what has been trained since the last call, unless an earlier call still stores.

        After a server's disk was full, nothing more is sent to it, up to 64 MB each time.
        """
        if self._is_full or (self._thread is not None and self._thread.is_alive()):
            return
        if numbers := self._wanted():
            self._thread = threading.Thread(target=self._try_to_store, args=(numbers,), daemon=True)
            self._thread.start()

    def end(self) -> Iterator[str]:
        """Store what is left, for some seconds; yields lines for people: what is done, what can't be."""
        self._ends = time.monotonic() + END_SECONDS
        if self._thread is not None and self._thread.is_alive():
            yield "search: storing networks for the team"
            self._thread.join(END_SECONDS)
            if self._thread.is_alive():
                yield f"search: not all of your networks are stored for the team yet: {LATER}"
                return
        if not self._store_rest():
            why = f"for the team, because {self._why}"
            yield f"search: the last of your networks are not stored {why}: {LATER}"
        yield from (f"search: {line}" for line in self._refused)

    def _is_late(self) -> bool:
        return self._ends is not None and time.monotonic() > self._ends

    def _store_rest(self) -> bool:
        """Store what has not been stored; False: the server can't be reached, or its disk is full."""
        try:
            numbers = self._wanted()
        except Exception as error:
            self._note(error)
            return False
        return not numbers or (not self._is_full and self._try_to_store(numbers))

    def _wanted(self) -> list[int]:
        if not self._stores:
            return []
        assert self._paths.team
        member = self._paths.team.member
        return [
            trial.number
            for trial in model_store.worth_keeping(study.complete(self._opened))
            if trial.number not in self._done and trial.user_attrs.get("member") == member
        ]

    def _try_to_store(self, numbers: list[int]) -> bool:
        """Store these networks, and drop what they are better than; False: the server failed."""
        try:
            self._refused += artifacts.offer(self._paths, self._key, numbers, self._stores, self._is_late)
            artifacts.drop(self._key, self._opened, self._stores)
        except Exception as error:
            self._note(error)
            return False
        self._done.update(numbers)
        return True

    def _note(self, error: Exception) -> None:
        """Keep why nothing can be stored; raise what is no error of the team's storage."""
        self._why = storage_errors.of_team(self._paths, error).what
        self._is_full = self._is_full or storage_errors.is_full(error)
