"""A real browser without a window, driven over its DevTools protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from websockets.sync.client import connect

PATIENCE = 60.0  # seconds, for a first start on a busy machine


class Chromium:
    """``with Chromium(address) as browser``: that page, open. Without one the test is skipped."""

    def __init__(self, address: str) -> None:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        if program is None:
            pytest.skip("no chromium is installed")
        self._opened = ExitStack()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [
                *(program, "--headless=new", "--no-sandbox", "--disable-gpu"),
                *("--remote-debugging-port=0", f"--user-data-dir={self._folder.name}", address),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Chromium:
        try:
            self._page = self._opened.enter_context(connect(self._find_page(), max_size=None))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._opened.close()
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One call of the DevTools protocol."""
        self._page.send(json.dumps({"id": 1, "method": method, "params": parameters}))
        while "result" not in (answer := json.loads(self._page.recv(PATIENCE))):
            assert "error" not in answer, answer
        return answer["result"]

    def wait_for(self, truth: str) -> None:
        """Until a JavaScript expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.ask("Runtime.evaluate", expression=truth)["result"].get("value"):
            assert time.monotonic() < end, truth
            time.sleep(0.05)

    def _find_page(self) -> str:
        said = Path(self._folder.name) / "DevToolsActivePort"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if said.exists() and (port := said.read_text().split("\n")[0]):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as listed:
                    pages = [p for p in json.load(listed) if p["type"] == "page"]
                if pages:
                    return pages[0]["webSocketDebuggerUrl"]
            time.sleep(0.05)
        raise TimeoutError("chromium did not start")
