"""The real server as a process of its own, that can be killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Server:
    """`streamlit run app.py` on a free port; can be killed and started again on the same workspace and port."""

    def __init__(self, workspace: Path, threads: str | None = "1", token: str = "off"):
        """token: `off`, or empty for the token of the workspace, which every visitor must then show."""
        self.workspace, self.process = workspace, None
        self.environment = os.environ | {"GANVAS_WORKSPACE": str(workspace), "GANVAS_TOKEN": token}
        self.environment |= {"GANVAS_THREADS": threads} if threads else {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        with open(self.workspace.parent / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1).read()
                return self
            except OSError:
                time.sleep(0.2)
        raise TimeoutError((self.workspace.parent / "server.log").read_text()[-2000:])

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def workers(self) -> list[psutil.Process]:
        mine = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "gan_core.jobs.worker" in words and str(self.workspace) in words:
                mine.append(process)
        return mine
