"""Every page, in an empty workspace and in one that holds every state; no worker is ever started."""

import ast
import subprocess
import sys

import pytest

from tests.builders import seeded_workspace
from tests.builders.app_pages import ROOT, open_page, words

PAGES = ("home", "data", "train", "live", "samples", "evaluate", "export", "runs", "learn", "system")


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_workspace_gets_a_sentence_and_a_next_step(page, empty):
    at = open_page(page)
    assert at.title and not at.error
    if page not in ("home", "learn"):  # which need none of it
        assert at.info and at.info[0].value.endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "state"),
    [
        *((page, "finished") for page in PAGES),
        *(("live", state) for state in seeded_workspace.RUNS),
        *((page, "queued") for page in ("samples", "evaluate", "export")),
    ],
)
def test_every_page_opens_for_a_run_in_every_state(page, state, full):
    at = open_page(page, run=seeded_workspace.RUNS[state])
    shown = words(at)
    assert "<script>" not in shown and "![x]" not in shown and ":red[" not in shown


@pytest.mark.parametrize("page", ["data", "train", "live"])
def test_a_strange_address_is_not_an_error_of_the_page(page, full):
    open_page(page, run="../../etc/passwd", ds="d0", job="j" + "9" * 16)


@pytest.mark.slow
def test_no_page_brings_torch_into_the_server(tmp_path):
    seeded_workspace.seed(tmp_path)
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
from gan_core.jobs import supervisor
supervisor.ensure_workers = lambda store, workspace: None
import app
at = AppTest.from_file("pages/router.py", default_timeout=30).run()
for page in {PAGES[1:]}:
    at.query_params["run"] = "{seeded_workspace.RUNS["finished"]}"
    at.switch_page(page + "/page.py").run()
    assert not at.exception, at.exception
print(sorted(set(sys.modules) & {{"torch", "torchvision", "sklearn", "scipy"}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GANVAS_WORKSPACE": str(tmp_path)},
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_no_page_writes_html_of_its_own():
    for file in sorted((ROOT / "pages").rglob("*.py")):
        source = file.read_text()
        assert "unsafe_allow" not in source and "components.v1" not in source, file
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".html"):
                body = ast.unparse(node.args[0]) if node.args else ""
                assert "escape" in ast.unparse(node) or body.startswith("urls.download_link("), (file, body)
