"""A server on 127.0.0.1 that answers as Kaggle does, for the real client.

The client reaches it as an HTTP proxy: ``KAGGLE_API_ENVIRONMENT=LOCALHOST`` makes it call
``http://localhost/api/v1/...``, and ``HTTP_PROXY`` sends that here.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.loopback import Quiet, listening


@dataclass
class Fault:
    """What goes wrong with a call, so many times.

    Attributes:
        status: of the answer; 0 drops the connection.
        message: Kaggle's.
        headers: of the answer.
        times: until all is well again.
        counts: whether the call takes effect all the same.
    """

    status: int
    message: str = "no"
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    counts: bool = False


@dataclass
class Kaggle:
    """What the server answers, and what it was asked.

    Attributes:
        blob: the bytes of the download.
        location: where API calls for a download redirect to; "": they answer with the blob, as a web page.
        status: of the answer to API calls; 200 redirects to the blob.
        stall: seconds to wait before any answer.
        faults: by the call's name, as "CreateSubmission", or "PUT" for the upload.
        limits: of submissions: made today, in all, and still allowed.
        limited_by_total: whether what is still allowed depends on those in all, not on today's.
        submissions: as they are listed, the newest first.
        scored: what a submission becomes once it has been listed.
        uploaded: the bytes that were put.
        kernels: as they were pushed.
        cut: how many downloads break in the middle.
        ranges: the parts that were asked for.
        logins: the Authorization headers that came.
    """

    blob: bytes = b""
    location: str = "http://localhost/blob.zip"
    status: int = 200
    stall: threading.Event | None = None
    faults: dict[str, Fault] = field(default_factory=dict)
    limits: tuple[int, int, int] = (1, 7, 4)
    limited_by_total: bool = False
    submissions: list[dict[str, object]] = field(default_factory=list)
    scored: dict[str, object] = field(
        default_factory=lambda: {"status": "COMPLETE", "publicScore": "0.93210"}
    )
    uploaded: list[bytes] = field(default_factory=list)
    kernels: list[dict[str, object]] = field(default_factory=list)
    cut: int = 0
    ranges: list[str] = field(default_factory=list)
    logins: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    port: int = 0

    def said(self, name: str, asked: bytes) -> dict[str, object] | None:
        """The answer to a call about submissions, which takes effect; None to other calls."""
        if name == "GetSubmissionLimits":
            today, total, left = self.limits
            counts: dict[str, object] = {"numToday": today, "numTotal": total, "numAllowedNow": left}
            return {**counts, "limitedByTotal": self.limited_by_total}
        if name == "StartSubmissionUpload":
            return {"token": "blob-token", "createUrl": "http://localhost/put-here"}
        if name == "CreateSubmission":
            description = json.loads(asked)["submissionDescription"]
            made = {"ref": 4711 + len(self.submissions), "description": description, "status": "PENDING"}
            self.submissions.insert(0, made)
            return {"message": "Successfully submitted", "ref": made["ref"]}
        if name == "SaveKernel":
            self.kernels.append(json.loads(asked))
            return {"ref": "/me/catwalk", "url": "http://localhost/me/catwalk", "versionNumber": 1}
        if name == "ListSubmissions":
            listed = [dict(one) for one in self.submissions]
            for one in self.submissions:
                one.update(self.scored)
            return {"submissions": listed}
        return None

    @property
    def environment(self) -> dict[str, str]:
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "HTTP_PROXY": f"http://127.0.0.1:{self.port}",
            "http_proxy": f"http://127.0.0.1:{self.port}",
            "NO_PROXY": "",
            "no_proxy": "",
        }


class Handler(Quiet):
    kaggle: Kaggle

    def do_POST(self) -> None:
        self.kaggle.calls.append(self.path)
        if self.kaggle.stall is not None:
            self.kaggle.stall.wait(30)
        self.kaggle.logins.add(self.headers.get("Authorization", ""))
        asked = self.body()
        name = self.path.rsplit("/", 1)[-1]
        if self._fails(name, asked):
            return
        if (said := self.kaggle.said(name, asked)) is not None:
            self.answer(200, json.dumps(said).encode())
        elif self.kaggle.status != 200:
            self.answer(
                self.kaggle.status, json.dumps({"code": self.kaggle.status, "message": "no"}).encode()
            )
        elif "GetDatasetMetadata" in self.path:
            self.answer(200, json.dumps({"info": {"licenses": [{"name": "MIT"}]}}).encode())
        elif "Download" in self.path and not self.kaggle.location:
            self.answer(200, self.kaggle.blob, "text/html")
        elif "Download" in self.path:
            self.send_response(302)
            self.send_header("Location", self.kaggle.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.answer(404, b'{"code":404,"message":"unknown"}')

    def do_PUT(self) -> None:
        self.kaggle.calls.append("PUT")
        self.kaggle.uploaded.append(self.body())
        if not self._fails("PUT", b""):
            self.answer(201, b"")

    def _fails(self, name: str, asked: bytes) -> bool:
        fault = self.kaggle.faults.get(name)
        if fault is None or fault.times == 0:
            return False
        fault.times -= 1
        if fault.counts:
            self.kaggle.said(name, asked)
        if fault.status == 0:
            self.connection.close()
        else:
            answer = {"code": fault.status, "message": fault.message}
            self.answer(fault.status, json.dumps(answer).encode(), **fault.headers)
        return True

    def do_GET(self) -> None:
        self.kaggle.calls.append(self.path)
        if self._fails("GET", b""):
            return
        blob, first = self.kaggle.blob, 0
        if asked := self.headers.get("Range"):
            self.kaggle.ranges.append(asked)
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(blob) - first))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", '"one"')
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{len(blob) - 1}/{len(blob)}")
        self.end_headers()
        if self.kaggle.cut:
            self.kaggle.cut -= 1
            self.wfile.write(blob[first : first + len(blob) // 2])
            self.wfile.flush()
            self.connection.close()
            return
        self.wfile.write(blob[first:])


@contextlib.contextmanager
def serving(kaggle: Kaggle) -> Iterator[Kaggle]:
    """Serve until the block ends."""
    with listening(Handler, kaggle=kaggle) as kaggle.port:
        yield kaggle
