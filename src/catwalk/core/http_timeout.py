"""Patience: how long anything of the network may take before it is given up."""

import contextlib
from collections.abc import Iterator
from typing import Any

TIMEOUT = 10  # seconds until a connection that doesn't answer is given up


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """Give every request of ``requests`` a time limit, where a client sets none or a longer one."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def limited(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs["timeout"] = TIMEOUT
        # Kaggle's upload would go on trying for minutes.
        self.max_retries = self.max_retries.new(total=min(self.max_retries.total or 0, 1))
        return send(self, request, *args, **kwargs)

    HTTPAdapter.send = limited  # type: ignore[method-assign]
    try:
        yield
    finally:
        HTTPAdapter.send = send  # type: ignore[method-assign]
