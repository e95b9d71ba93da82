"""The routes of app.py on a real server: streamed upload, who may send it, Range, and one 404 for what is not there."""

import base64
import hashlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from gan_core.access import address, signed_links, token
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from pages.shared import urls
from tests.builders import seeded_workspace

ROOT = Path(__file__).parents[1]


class Server:
    def __init__(self, port: int, workspace: Workspace):
        self.port, self.workspace = port, workspace

    def ask(self, method: str, path: str, body=None, headers: dict | None = None) -> tuple[int, dict, bytes]:
        """(status, headers, body), with the token."""
        known = {"Authorization": f"Bearer {token.of(self.workspace)}"}
        return self.ask_as_stranger(method, path, body, known | (headers or {}))

    def ask_as_stranger(
        self, method: str, path: str, body=None, headers: dict | None = None
    ) -> tuple[int, dict, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def staged(self) -> list[str]:
        return sorted(path.name for path in (self.workspace.root / "staging").iterdir())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("workspace")
    workspace = seeded_workspace.seed(root)
    # Nothing may wait in the queue: the server would start real workers for it.
    with Store(workspace).transaction() as db:
        db.execute("UPDATE jobs SET state = 'stopped' WHERE state = 'queued'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(root / "server.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "GANVAS_WORKSPACE": str(root), "GANVAS_TOKEN": ""},
            start_new_session=True,
        )
    running = Server(port, workspace)
    try:
        for _ in range(600):
            try:
                if running.ask("GET", "/_stcore/health")[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail((root / "server.log").read_text())
        yield running
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(b"sixteen letters!").decode(),
}


def test_without_the_token_no_part_of_the_server_answers(server):
    shell = server.ask("GET", "/")[2].decode()
    script = re.search(r'src="\.(/static/js/index[^"]+)"', shell)[1]
    assert server.ask("GET", script)[0] == 200 and server.ask("GET", "/_stcore/stream", headers=UPGRADE)[0] == 101
    reads = (
        *("/", "/live?run=r1", script, "/favicon.png", "/_stcore/host-config", "/_stcore/metrics", "/_stcore/health/"),
        *(
            "/_stcore/agent/openapi.json",
            "/media/x.png",
            "/component/x/y.js",
            "/_stcore/bidi-components/x/y.js",
            "/auth/login",
        ),
        *(
            f"/api/exports/{seeded_workspace.EXPORT}/birds.zip",
            "/api/support-bundle",
            GAME,
            "/api/",
            "/dataset",
            "/no/such",
        ),
        *(
            f"/app/static/runs/{RUN}/samples/reals.png",
            f"/app/static/datasets/{seeded_workspace.DATASET}/contact/2.webp",
        ),
    )
    for path in reads:
        for headers in ({}, {"Authorization": "Bearer " + "0" * 43}, {"Cookie": "ganvas_00000000=1.2"}, UPGRADE):
            assert server.ask_as_stranger("GET", path, headers=headers)[0] == 403, path
    for method in ("PUT", "POST", "DELETE"):
        for path in ("/api/uploads", "/_stcore/upload_file/a/b", "/_stcore/agent/interact"):
            assert server.ask_as_stranger(method, path, b"x" * 100)[0] == 403
    assert server.ask_as_stranger("GET", "/_stcore/stream", headers=UPGRADE)[0] == 403 and server.staged() == []


def test_the_link_in_the_terminal_opens_the_app_and_its_cookie_the_socket(server):
    (link,) = re.findall(r"http://127\.0\.0\.1:\S+", (server.workspace.root / "server.log").read_text())
    assert link == address.of_running(server.workspace)["link"]
    status, headers, _ = server.ask_as_stranger("GET", link.removeprefix(f"http://127.0.0.1:{server.port}"))
    assert (status, headers["location"]) == (303, "/")
    cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
    assert server.ask_as_stranger("GET", "/", headers=cookie)[0] == 200
    for origin, expected in ((server.port, 101), (server.port + 1, 403)):
        known = UPGRADE | cookie | {"Origin": f"http://127.0.0.1:{origin}"}
        assert server.ask_as_stranger("GET", "/_stcore/stream", headers=known)[0] == expected


def test_a_download_needs_a_link_of_this_user_that_has_not_ended(server):
    path, secret = f"/api/exports/{seeded_workspace.EXPORT}/birds.zip", token.of(server.workspace)
    cookie = {"Cookie": f"{token.cookie_name(secret)}={token.new_cookie(secret)}"}
    signed = signed_links.sign(path, "", secret)
    assert server.ask_as_stranger("GET", signed, headers=cookie)[0] == 200
    assert server.ask_as_stranger("GET", signed)[0] == 403, "the link alone lets nobody in"
    ended = signed.replace("until=", "until=1")
    bundle = signed_links.sign("/api/support-bundle", "", secret).replace("/api/support-bundle", path)
    for link in (path, ended, bundle, signed_links.sign(path, "ben", secret)):
        assert server.ask_as_stranger("GET", link, headers=cookie)[0] == 403
    status, headers, _ = server.ask_as_stranger("GET", ended, headers=cookie | {"Sec-Fetch-Site": "same-origin"})
    assert status == 303 and server.ask_as_stranger("GET", headers["location"], headers=cookie)[0] == 200


def test_every_inline_script_of_the_shell_is_in_the_policy(server):
    _, headers, body = server.ask("GET", "/")
    inline = re.findall(rb"<script>(.*?)</script>", body, re.DOTALL)
    assert inline and all(
        base64.b64encode(hashlib.sha256(script).digest()).decode() in headers["content-security-policy"]
        for script in inline
    )


@pytest.mark.slow
def test_a_server_that_others_could_reach_does_not_start(tmp_path):
    words = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "0.0.0.0", "--server.port", "0"]
    variables = {**os.environ, "GANVAS_WORKSPACE": str(tmp_path), "GANVAS_TOKEN": ""}
    ended = subprocess.run(words, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0 and "GANVAS_INSECURE_LAN" in ended.stderr
    assert "Traceback" not in ended.stderr and "token=" not in ended.stdout


def test_an_upload_lands_whole_in_staging(server):
    body = b"PK\x03\x04" + os.urandom(3_000_000)
    status, _, answer = server.ask(
        "PUT",
        "/api/uploads?name=birds.zip",
        body,
        {"Origin": f"http://127.0.0.1:{server.port}", "Sec-Fetch-Site": "same-origin"},
    )
    told = json.loads(answer)
    assert status == 200 and told["bytes"] == len(body)
    folder = server.workspace.upload(told["upload"])
    assert [path.name for path in folder.iterdir()] == ["upload.zip"] and (folder / "upload.zip").read_bytes() == body
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
    ],
)
def test_a_page_of_another_site_may_not_upload(server, headers):
    status, _, answer = server.ask("PUT", "/api/uploads", b"x" * 100, headers)
    assert status == 403 and set(json.loads(answer)) == {"what", "todo"} and server.staged() == []


def test_another_host_name_reads_nothing(server):
    path = f"/api/exports/{seeded_workspace.EXPORT}/birds.zip"
    assert server.ask("GET", path, headers={"Host": "evil.example"})[0] == 403
    assert server.ask("GET", path, headers={"Host": f"localhost:{server.port}"})[0] == 200


def test_an_upload_that_breaks_off_leaves_nothing(server):
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            f"PUT /api/uploads HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 5000000\r\n"
            f"Authorization: Bearer {token.of(server.workspace)}\r\n\r\n".encode()
            + b"PK\x03\x04" * 500_000
        )
        for _ in range(100):
            if server.staged():
                break
            time.sleep(0.05)
        assert server.staged()
    for _ in range(100):
        if not server.staged():
            break
        time.sleep(0.05)
    assert server.staged() == []


@pytest.mark.parametrize(
    ("headers", "status"), [({"Content-Length": str(21 << 30)}, 413), ({"Content-Length": "0"}, 400)]
)
def test_too_much_and_nothing_are_refused(server, headers, status):
    assert server.ask("PUT", "/api/uploads", headers=headers)[0] == status and server.staged() == []


def test_a_download_is_an_attachment_and_can_be_resumed(server):
    path = f"/api/exports/{seeded_workspace.EXPORT}/birds.zip"
    whole = (server.workspace.export(seeded_workspace.EXPORT) / "birds.zip").read_bytes()
    status, headers, body = server.ask("GET", path)
    assert (status, body) == (200, whole) and headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff"
    status, headers, body = server.ask("GET", path, headers={"Range": "bytes=10-19"})
    assert (status, body) == (206, whole[10:20]) and headers["content-range"] == f"bytes 10-19/{len(whole)}"


def test_the_support_bundle_is_a_zip_for_our_own_page_only(server):
    status, headers, body = server.ask("GET", "/api/support-bundle")
    assert status == 200 and headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert "versions.json" in archive.namelist() and archive.testzip() is None
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert server.ask("GET", "/api/support-bundle", headers=headers)[0] == 404


@pytest.mark.parametrize("path", ["samples/reals.png", "samples/fakes-000000400.png", "timelapse.webp"])
def test_pictures_of_a_run_come_from_disk(server, path):
    run = seeded_workspace.RUNS["finished"]
    status, headers, body = server.ask("GET", f"/app/static/runs/{run}/{path}")
    assert (status, body) == (200, (server.workspace.run(run) / path).read_bytes())
    assert ("immutable" in headers["cache-control"]) == path.startswith("samples/") and headers[
        "content-type"
    ].startswith("image/")


def test_plotly_is_served_under_its_version_and_may_be_kept_for_ever(server):
    status, headers, body = server.ask("GET", urls.plotly_script())
    assert status == 200 and b"plotly.js" in body[:200] and "immutable" in headers["cache-control"]
    assert "javascript" in headers["content-type"]
    assert server.ask("GET", "/app/static/plotly-0.0.1.min.js")[0] == 404


@pytest.mark.parametrize("path", ["explore/{job}/grid.png", "explore/{job}/real-0000001.webp", "walks/{job}/walk.gif"])
def test_pictures_of_a_job_come_from_disk_and_nothing_beside_them(server, path):
    run, job = seeded_workspace.RUNS["finished"], "j" + "a" * 16
    file = server.workspace.run(run) / path.format(job=job)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"picture")
    (file.parent / "explore.json").write_text("{}")
    base = f"/app/static/runs/{run}"
    status, headers, body = server.ask("GET", f"{base}/{path.format(job=job)}")
    assert (status, body) == (200, b"picture") and "immutable" in headers["cache-control"]
    kind = path.split("/")[0]
    for beside in (
        f"{kind}/{job}/explore.json",
        f"{kind}/{job}/..%2f..%2fconfig.json",
        f"{kind}/x/grid.png",
        "config.json",
    ):
        assert server.ask("GET", f"{base}/{beside}")[0] == 404


def test_the_earlier_address_of_the_data_page_leads_to_it(server):
    status, headers, _ = server.ask("GET", "/dataset?ds=d1&again=d1")
    assert (status, headers["location"]) == (307, "data?ds=d1&again=d1")


def test_contact_sheets_come_from_disk(server):
    assert server.ask("GET", f"/app/static/datasets/{seeded_workspace.DATASET}/contact/2.webp")[0] == 200


RUN = seeded_workspace.RUNS["finished"]


@pytest.mark.parametrize(
    "path",
    [
        f"/api/exports/{seeded_workspace.EXPORT}/absent.zip",
        "/api/exports/e0000000000000000/birds.zip",
        "/api/exports/x/birds.zip",
        f"/api/exports/{seeded_workspace.EXPORT}/..%2f..%2fganvas.sqlite",
        f"/api/exports/{seeded_workspace.EXPORT}/export.json",
        f"/api/exports/{RUN}/birds.zip",
        f"/app/static/runs/{RUN}/samples/..%2fconfig.json",
        f"/app/static/runs/{RUN}/samples/index.jsonl",
        f"/app/static/runs/{RUN}/samples/..%5cconfig.json",
        "/app/static/runs/..%2f..%2f/samples/reals.png",
        f"/app/static/runs/{RUN}/samples/fakes-%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1.png",
        f"/app/static/runs/{RUN}/samples/reals.png%00",
        f"/app/static/datasets/{seeded_workspace.DATASET}/contact/99.webp",
        f"/app/static/datasets/{RUN}/contact/0.webp",
        f"/app/static/runs/{seeded_workspace.RUNS['running']}/timelapse.webp",
    ],
)
def test_absent_and_forbidden_are_the_same_404(server, path):
    status, _, body = server.ask("GET", path)
    assert status == 404 and json.loads(body)["what"] == "There is no such file."


def test_a_link_out_of_the_workspace_is_not_followed(server, tmp_path):
    (tmp_path / "secret.zip").write_bytes(b"secret")
    (server.workspace.export(seeded_workspace.EXPORT) / "link.zip").symlink_to(tmp_path / "secret.zip")
    assert server.ask("GET", f"/api/exports/{seeded_workspace.EXPORT}/link.zip")[0] == 404


def test_every_answer_carries_the_security_headers(server):
    for path in ("/", "/_stcore/health", "/api/exports/x/y.zip"):
        headers = server.ask("GET", path)[1]
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "SAMEORIGIN"
        assert (
            headers["referrer-policy"] == "same-origin"
            and "frame-ancestors 'self'" in headers["content-security-policy"]
        )


@pytest.mark.slow
def test_a_dead_run_becomes_interrupted_while_the_server_is_up(server):
    store = Store(server.workspace)
    job = seeded_workspace.add_job(store, "train", "r" + "f" * 16, "running", {})
    with store.transaction() as db:
        db.execute("UPDATE jobs SET pid = 999999999 WHERE id = ?", (job,))
    for _ in range(100):
        if store.job(job).state == "interrupted":
            break
        time.sleep(0.1)
    assert store.job(job).state == "interrupted"


GAME = "/api/lab/fast?at=r50&game=" + quote(json.dumps({"shape": "ring", "seed": 3}))


def test_a_class_that_asks_for_the_same_frames_shares_one_file(server):
    with ThreadPoolExecutor(16) as many:
        answers = list(many.map(lambda _: server.ask("GET", GAME), range(16)))
    assert {status for status, _, _ in answers} == {200} and len({body for _, _, body in answers}) == 1
    assert answers[0][1]["cache-control"] == "public, max-age=3600"
    (game,) = (server.workspace.root / "cache" / "lab").iterdir()
    assert [file.name for file in game.glob("*.bin")] == ["fast-r50.bin"]
    assert (game / "fast-r50.bin").read_bytes() == answers[0][2]


@pytest.mark.parametrize(
    "path",
    [
        "/api/lab/fast?at=r7",
        "/api/lab/..%2f?at=",
        "/api/lab/one?at=x",
        "/api/lab/one?game=[1]",
        "/api/lab/one?game={",
        "/api/lab/one?game=%7B%22lr_g%22%3A9%7D",
    ],
)
def test_frames_that_none_has_are_refused_in_words(server, path):
    status, _, body = server.ask("GET", path)
    assert status in (400, 404) and json.loads(body)["todo"].endswith(".")
    assert server.ask("GET", GAME, headers={"Origin": "http://elsewhere.example"})[0] == 403
