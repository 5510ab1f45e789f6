"""A server on 127.0.0.1 that answers as Kaggle does, for the real client.

The client reaches it as an HTTP proxy: ``KAGGLE_API_ENVIRONMENT=LOCALHOST`` makes it call
``http://localhost/api/v1/...``, and ``HTTP_PROXY`` sends that here.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Kaggle:
    """What the server answers, and what it was asked.

    Attributes:
        blob: the bytes of the download.
        status: of the answer to API calls; 200 redirects to the blob.
        stall: seconds to wait before any answer.
    """

    blob: bytes = b""
    status: int = 200
    stall: threading.Event | None = None
    calls: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "HTTP_PROXY": f"http://127.0.0.1:{self.port}",
            "http_proxy": f"http://127.0.0.1:{self.port}",
            "NO_PROXY": "",
            "no_proxy": "",
        }


@contextlib.contextmanager
def serving(kaggle: Kaggle) -> Iterator[Kaggle]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            kaggle.calls.append(self.path)
            if kaggle.stall is not None:
                kaggle.stall.wait(30)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if kaggle.status != 200:
                self._answer(kaggle.status, json.dumps({"code": kaggle.status, "message": "no"}).encode())
            elif "GetDatasetMetadata" in self.path:
                self._answer(200, json.dumps({"info": {"licenses": [{"name": "MIT"}]}}).encode())
            elif "Download" in self.path:
                self.send_response(302)
                self.send_header("Location", "http://localhost/blob.zip")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._answer(404, b'{"code":404,"message":"unknown"}')

        def do_GET(self) -> None:
            kaggle.calls.append(self.path)
            self._answer(200, kaggle.blob, "application/zip")

        def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kaggle.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield kaggle
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
