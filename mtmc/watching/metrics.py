"""What a turn leaves to tell: a page that Prometheus reads."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mtmc.files.atomic import writing
from mtmc.memory import peak_of_all_mb
from mtmc.pipeline.planning import Plan


class Metrics:
    """What a turn leaves to tell, as Prometheus reads it."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {"turns_total": 0.0}

    def text(self) -> str:
        """One line each."""
        return "".join(f"mtmc_{name} {value:.6g}\n" for name, value in self.values.items())

    def note(self, done: Plan, seconds: float, waited_s: float, changed: float) -> None:
        """After a turn that took so long; its latest recording had closed ``waited_s`` before it began; ``changed``:
        the share of settled boxes that would now be another vehicle's."""
        tracklets = [len(vehicle.tracklets) for part in done.run.vehicles_in_parts() for vehicle in part]
        frames = sum(len(camera.frames) for camera in done.scene.cameras.values())
        earlier = self.values.get("frames_total", 0.0)
        self.values = {
            "turns_total": self.values["turns_total"] + 1,
            "frames_total": frames,
            "frames_per_second": (frames - earlier) / seconds,
            "lag_seconds": waited_s + seconds,
            "memory_peak_megabytes": peak_of_all_mb(),
            "vehicles_total": len(tracklets),
            "unlinked_share": tracklets.count(1) / max(1, len(tracklets)),
            "settled_changed_share": changed,
        }

    def serve(self, port: int) -> int:
        """At http://127.0.0.1:port/metrics as long as this process lives, 0 for any free one; the port. Raises
        StoreError where it is taken."""
        metrics = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """The page."""
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(metrics.text().encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        with writing(Path(f"127.0.0.1:{port}")):
            server = ThreadingHTTPServer(("127.0.0.1", port), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return int(server.server_address[1])
