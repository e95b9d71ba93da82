"""The wheel: it carries the app, its pages and what they show, and its `ganvas` starts the app in any folder."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, modules


def test_every_module_of_the_app_is_in_the_wheel():
    text = (ROOT / "pyproject.toml").read_text().partition("wheel.force-include]\n")[2].partition("\n[")[0]
    included = dict(re.findall(r'^"(.+)" = "(.+)"$', text, re.MULTILINE))
    loose = {path.name for path in modules().values() if path.parent == ROOT}
    assert set(included) == {*loose, "pages", "assets", ".streamlit/config.toml"}
    assert all(there == f"ganvas/{here}" for here, there in included.items())


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel's files in a folder of their own, as an installer lays them out. The packages are those of this environment."""
    built, site = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built], cwd=ROOT, check=True)
    with zipfile.ZipFile(next(built.glob("ganvas-*.whl"))) as wheel:
        for member in wheel.namelist():
            wheel.extract(member, site)
    return site


def environment(site: Path, home: Path) -> dict[str, str]:
    named = {name: value for name, value in os.environ.items() if not name.startswith(("GANVAS_", "PYTEST", "XDG_"))}
    return {**named, "PYTHONPATH": str(site), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.slow
def test_it_has_what_is_read_from_files_and_asks_for_what_the_clone_asks_for(installed, tmp_path):
    needed = (ROOT / "requirements.txt").read_text()
    (about,) = installed.glob("ganvas-*.dist-info")
    names = re.findall(r"^Requires-Dist: ([A-Za-z0-9-]+)", (about / "METADATA").read_text(), re.MULTILINE)
    assert sorted(names) == sorted(re.findall(r"^([A-Za-z0-9-]+)", needed.lower(), re.MULTILINE))
    assert "ganvas = gan_core.cli:ganvas" in (about / "entry_points.txt").read_text()
    for folder, there in (("pages", "ganvas/pages"), ("assets", "ganvas/assets"), ("gan_core", "gan_core")):
        tracked = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True).stdout.split(
            "\n"
        )
        missing = [
            path
            for path in filter(None, tracked)
            if (ROOT / path).exists() and not (installed / there / Path(path).relative_to(folder)).exists()
        ]
        assert not missing


@pytest.mark.slow
def test_the_command_starts_the_app_in_any_folder(installed, tmp_path):
    """As an installed `ganvas` calls it; the folder it is called in has modules and settings of its own, which do not matter."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "guard.py").write_text("raise SystemExit('another guard')")
    command = [sys.executable, "-c", "import sys; sys.path.pop(0); from gan_core.cli import ganvas; ganvas()"]
    app = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(installed, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        link, deadline = None, time.monotonic() + 90
        while link is None and time.monotonic() < deadline:
            line = app.stdout.readline()
            assert line, "the app ended"
            link = re.search(r"http://127\.0\.0\.1:(\d+)(/\S+token\S+)", line)
        connection = http.client.HTTPConnection("127.0.0.1", int(link[1]), timeout=30)
        connection.request("GET", link[2])
        assert connection.getresponse().status in (200, 303, 307)
        assert (tmp_path / ".local/share/ganvas/datasets").is_dir() and not (installed / "workspace").exists()
    finally:
        os.killpg(app.pid, signal.SIGINT)
        app.wait(30)
