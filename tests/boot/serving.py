"""A web server on this machine, for what `build.py netboot` has laid out."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from democd.host.progress import Reporter
from democd.remake import netboot


class Server(http.server.ThreadingHTTPServer):
    """Serves a folder on a free port of 127.0.0.1.

    Attributes:
        folder: what is served.
        asked: paths that were asked for, in order.
        wrong: paths that are served with one bit flipped, each the first time only.
    """

    daemon_threads = True

    def __init__(self, folder: Path, wrong: set[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.wrong = wrong
        self.asked: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        path = self.server.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(path.stat().st_size))
        self.end_headers()
        with path.open("rb") as stream:
            if self.path in self.server.wrong:
                self.server.wrong.remove(self.path)
                self._flipped(stream)
            else:
                shutil.copyfileobj(stream, self.wfile, 1 << 20)

    def _flipped(self, stream: BinaryIO) -> None:
        data = bytearray(stream.read())
        data[len(data) // 2] ^= 1
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at `asked`."""


@contextmanager
def serving(iso: Path, folder: Path, wrong: str = "") -> Iterator[Server]:
    """Lay a disc out for a web server that runs while the block does.

    Args:
        iso: the disc.
        folder: where it is laid out; removed at the end.
        wrong: the layer that is served wrong once.
    """
    shutil.rmtree(folder, ignore_errors=True)
    with Server(folder, {f"/live/{wrong}.squashfs"} if wrong else set()) as server:
        netboot.lay_out(iso, folder, Reporter(quiet=True), port=server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            shutil.rmtree(folder)
