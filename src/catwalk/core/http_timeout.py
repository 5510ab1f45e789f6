"""Timeouts for network requests."""

import contextlib
from collections.abc import Iterator
from typing import Any

TIMEOUT = 10  # seconds without an answer before a connection is given up


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """Give every call of ``requests`` a timeout, even if a client sets none or a longer one."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def limited(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs["timeout"] = TIMEOUT
        # Kaggle's upload would keep retrying for minutes.
        self.max_retries = self.max_retries.new(total=min(self.max_retries.total or 0, 1))
        return send(self, request, *args, **kwargs)

    HTTPAdapter.send = limited  # type: ignore[method-assign]
    try:
        yield
    finally:
        HTTPAdapter.send = send  # type: ignore[method-assign]
