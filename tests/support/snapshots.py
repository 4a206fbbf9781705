"""A snapshot service: archives at addresses with a time in them, and nothing at others."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Snapshots:
    """The service; `template` is the recipe's root.snapshot for it, `asked` what it had to send."""

    template: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def snapshots(time: str, archives: Mapping[str, str]) -> Iterator[Snapshots]:
    """Serve archives, each by its name and the address where it is, as they were at a time."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, service, archive, asked, *path = self.path.split("/")
            if service != "archive" or asked != time or archive not in archives:
                self.send_error(404)
                return
            try:
                address = f"{archives[archive]}/{'/'.join(path)}"
                with urllib.request.urlopen(address, timeout=60) as answer:
                    content = answer.read()
            except urllib.error.URLError:
                self.send_error(404)
                return
            made.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Snapshots(f"http://127.0.0.1:{server.server_port}/archive/{{archive}}/{{time}}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
