"""An HTTP proxy that has not got some files: what a mirror that lags behind looks like to apt."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def refusing(word: str) -> Iterator[str]:
    """Give the address of a proxy that answers 404 for each address with a word in it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if word in self.path:
                self.send_error(404)
                return
            try:
                with urllib.request.urlopen(self.path, timeout=60) as answer:
                    content = answer.read()
            except urllib.error.HTTPError as error:
                self.send_error(error.code)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
