"""The Measure page over several checkpoints, and which of them a verdict is about."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gan_core.jobs import queue
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, write_json
from gan_core.views import evaluation_results
from pages.shared import run_curves
from tests.builders import evaluated_run, seeded_workspace

ROOT = Path(__file__).parents[3]


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    """One measured run, at 120,000 images; no worker is started."""
    monkeypatch.setenv("GANVAS_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(queue, "ensure_workers", lambda store, workspace: None)
    workspace = Workspace(tmp_path)
    evaluated_run.plant(workspace, Store(workspace))
    return workspace


def open_page(name: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "router.py"), default_timeout=60)
    at.run()
    at.query_params["run"] = evaluated_run.RUN
    at.switch_page(f"{name}.py").run()
    assert not at.exception, at.exception
    return at


def captions(at: AppTest) -> str:
    return "\n".join(str(element.value) for element in at.caption).replace("\\", "").replace("\u2060", "")


def more(workspace: Workspace, **changes) -> None:
    """One more measurement of the run, made later than those that are there."""
    store = Store(workspace)
    first = store.jobs(kind="evaluate", subject=evaluated_run.RUN)[-1].result
    seeded_workspace.add_job(store, "evaluate", evaluated_run.RUN, "finished", {}, result=first | changes)


def keep_checkpoints(workspace: Workspace, *seen: int) -> None:
    for at in seen:
        write_json(workspace.run(evaluated_run.RUN) / "checkpoints" / f"ck-{at:012d}.json", {"images_seen": at})


def charts_of(at: AppTest) -> set[str]:
    return {json.loads(chart.proto.spec)["layout"]["xaxis"]["title"]["text"] for chart in at.get("plotly_chart")}


def test_scores_of_two_checkpoints_are_drawn_against_the_epoch(workspace):
    before = open_page("evaluate")
    assert "measured in the same way" not in captions(before)
    more(workspace, images_seen=240_000, epoch=25.0, frechet_distance=20.0)
    at = open_page("evaluate")
    assert len(at.get("plotly_chart")) == len(before.get("plotly_chart")) + 3
    assert "2 checkpoints measured in the same way as the newest measurement." in captions(at)
    assert "Left out" not in captions(at)
    more(workspace, images_seen=300_000, epoch=31.0, extractor="referee")
    alone = open_page("evaluate")
    assert len(alone.get("plotly_chart")) == len(before.get("plotly_chart"))  # the newest has no like


def test_few_points_are_marked_and_many_are_a_line():
    rows = lambda n: [{"epoch": at, "kid": at} for at in range(n)]
    mode = lambda n: run_curves.of_one_run(rows(n), {"kid": "kid"}, None)["data"][0]["mode"]
    assert (mode(1), mode(2), mode(200)) == ("markers", "lines+markers", "lines")


def test_a_checkpoint_can_be_chosen_and_the_newest_is_the_default(workspace):
    keep_checkpoints(workspace, 2400, 3600)  # beside the seeded one at 1,200
    at = open_page("evaluate")
    assert at.selectbox(key="evaluate_at").options == ["The newest", "2,400 images seen", "1,200 images seen"]
    at.button(key="evaluate_start").click().run()
    assert Store(workspace).jobs(kind="evaluate")[0].payload["at"] is None
    at.selectbox(key="evaluate_at").set_value(1200)
    at.button(key="evaluate_start").click().run()
    assert Store(workspace).jobs(kind="evaluate")[0].payload["at"] == 1200
    (workspace.run(evaluated_run.RUN) / "checkpoints" / "ck-000001200.json").unlink()
    at.run()
    assert not at.exception and at.selectbox(key="evaluate_at").value is None


def test_verdicts_name_their_checkpoint_beside_the_one_that_is_exported(workspace):
    said = captions(open_page("export"))
    assert "Said of the checkpoint at 120,000 images (epoch 12.5). The export draws from the newest, at 1,200." in said
    for stale in (workspace.run(evaluated_run.RUN) / "checkpoints").iterdir():
        stale.unlink()
    keep_checkpoints(workspace, 120_000)
    at = open_page("export")
    assert "(epoch 12.5)." in captions(at) and "The export draws" not in captions(at)
    assert any(box.value.startswith("**Helps.**") for box in at.success)
    assert "with images from the checkpoint at" in captions(open_page("evaluate"))


def test_downloads_are_made_when_they_are_asked_for(workspace, monkeypatch):
    monkeypatch.setattr(evaluation_results, "to_csv", lambda results: pytest.fail("made for nothing"))
    at = open_page("evaluate")
    assert {"Download as CSV", "Download as JSON"} <= {button.proto.label for button in at.get("download_button")}
    at.run()
    assert not at.exception


def test_reasons_that_several_indicators_share_are_said_once(workspace):
    absent = {"d_overfit": "D was not asked.", "d_certainty": "D was not asked.", "z_sensitivity": "No labels."}
    first = Store(workspace).jobs(kind="evaluate", subject=evaluated_run.RUN)[0].result
    more(workspace, collapse=first["collapse"] | {"absent": absent})
    said = captions(open_page("evaluate"))
    assert said.count("D was not asked.") == 1 and "overfitting, certainty of the discriminator. D was" in said
    assert "Not looked at: use of the noise. No labels." in said
