"""How much the server's memory grows while a large zip goes up and comes down: a real server, its real routes.

Prints JSON: RSS before, the highest seen during each transfer and after it (MB), and the growth beside the size of the
file. The file is sparse zeros; the routes do not look inside. `python benchmarks/upload_memory.py [--megabytes 400]`
"""

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
TOKEN = "token-of-the-upload-benchmark"
PIECE = bytes(1 << 20)
EXPORT = "e" + "1" * 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=400)
    size = parser.parse_args().megabytes << 20
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        workspace = Path(folder)
        (workspace / "exports" / EXPORT).mkdir(parents=True)
        with open(workspace / "exports" / EXPORT / "large.zip", "wb") as file:
            file.truncate(size)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with open(workspace / "server.log", "wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "GANVAS_WORKSPACE": folder, "GANVAS_TOKEN": TOKEN},
            )
        try:
            print(json.dumps(measure(server.pid, port, size)))
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=20)


def measure(pid: int, port: int, size: int) -> dict[str, float]:
    wait_for(port)
    before = megabytes(pid)
    up_seconds, up_peak = watched(pid, lambda: put(port, size))
    down_seconds, down_peak = watched(pid, lambda: get(port, size))
    return {
        "file_mb": size / 1e6,
        "rss_before_mb": before,
        "rss_peak_upload_mb": up_peak,
        "rss_peak_download_mb": down_peak,
        "rss_after_mb": megabytes(pid),
        "growth_mb": max(up_peak, down_peak) - before,
        "growth_over_file": round((max(up_peak, down_peak) - before) / (size / 1e6), 4),
        "upload_seconds": up_seconds,
        "download_seconds": down_seconds,
    }


def watched(pid: int, work) -> tuple[float, float]:
    """Seconds of work() and the highest RSS (MB) meanwhile, looked at every 20 ms."""
    peak, done = [megabytes(pid)], threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            peak.append(megabytes(pid))

    thread = threading.Thread(target=look)
    thread.start()
    started = time.monotonic()
    try:
        work()
    finally:
        done.set()
        thread.join()
    return round(time.monotonic() - started, 2), max(peak)


def put(port: int, size: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.putrequest("PUT", "/api/uploads?name=large.zip")
    connection.putheader("Content-Length", str(size))
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.endheaders()
    for _ in range(size >> 20):
        connection.send(PIECE)
    answer = connection.getresponse()
    reply = json.loads(answer.read())
    if answer.status != 200 or reply["bytes"] != size:
        raise SystemExit(f"The upload was refused: {reply}")


def get(port: int, size: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", f"/api/exports/{EXPORT}/large.zip", headers={"Authorization": f"Bearer {TOKEN}"})
    answer, count = connection.getresponse(), 0
    while piece := answer.read(1 << 20):
        count += len(piece)
    if count != size:
        raise SystemExit(f"Only {count} of {size} bytes came back.")


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/_stcore/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The server did not start.")


def megabytes(pid: int) -> float:
    return round(psutil.Process(pid).memory_info().rss / 1e6, 1)


if __name__ == "__main__":
    main()
