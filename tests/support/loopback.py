"""A server on 127.0.0.1 that a test runs beside itself."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet(BaseHTTPRequestHandler):
    """Answers without a word on stderr."""

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: bytes, kind: str = "application/json", **more: str) -> None:
        """Send a whole answer; ``more`` are headers, their hyphens written as underscores."""
        self.send_response(status)
        for header, value in more.items():
            self.send_header(header.replace("_", "-"), value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        """What came with the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


@contextlib.contextmanager
def listening(handler: type[Quiet], **attributes: object) -> Iterator[int]:
    """Serve until the block ends; gives the port.

    Args:
        handler: a new one of it answers each request.
        attributes: that its class has here.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (handler,), attributes))
    server.daemon_threads = True
    # The end is waited for as long as a poll takes; the default is half a second.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
