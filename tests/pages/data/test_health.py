"""The health of a dataset on the Data page: findings, exclusions and their Undo, the curated dataset, damaged files."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gan_core.dataset_health import exclusions, findings
from gan_core.dataset_health.findings import Finding, Health, Picture
from gan_core.jobs import supervisor
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from tests.builders import seeded_workspace

ROOT = Path(__file__).parents[3]


@pytest.fixture
def full(tmp_path, monkeypatch) -> Workspace:
    """The seeded workspace; no worker is started."""
    monkeypatch.setenv("GANVAS_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(supervisor, "ensure_workers", lambda store, workspace: None)
    return seeded_workspace.seed(tmp_path)


def open_page() -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "router.py"), default_timeout=60)
    at.run()
    at.query_params["ds"] = seeded_workspace.DATASET
    at.switch_page("data/page.py").run()
    assert not at.exception, at.exception
    return at


def words(at: AppTest) -> str:
    kinds = ("header", "subheader", "markdown", "caption", "info", "error", "warning", "success")
    return "\n".join(str(element.value) for kind in kinds for element in at.get(kind))


@pytest.fixture
def looked_at(full):
    """The seeded dataset after a look that found blank pictures and a pair of copies, with names made to do harm."""
    folder = full.dataset(seeded_workspace.DATASET)
    np.save(folder / "test_images.npy", np.zeros((102, 32, 32, 3), np.uint8))
    np.save(folder / "test_labels.npy", np.repeat([0, 1, 2], [80, 18, 4]))
    blank = [("train", 3), ("train", 4), ("test", 1)]
    pair = [
        Picture("train", 7, f"cat/{seeded_workspace.HOSTILE}.png", seeded_workspace.HOSTILE),
        Picture("test", 2, "cat/b.png", "cat", "mirrored"),
    ]
    found = [
        Finding(
            "blank",
            "medium",
            "3 images are nearly blank",
            3,
            "exclude",
            blank,
            [[Picture("train", 3, "a.png", "cat")]],
        ),
        Finding("leaks", "high", "1 test image has a near duplicate", 1, "keep_one", [("train", 7)], [pair]),
        Finding(
            "enlarged",
            "medium",
            "Most were enlarged",
            700,
            "import_again",
            [("train", r) for r in range(600)],
            [],
            "At 28 px.",
        ),
        Finding("imbalance", "low", "Uneven", 3),
    ]
    findings.write(folder, Health(722, 722, findings.in_order(found)), 0, "efficientnet-lite0")
    np.save(folder / "means.npy", np.zeros((3, 32, 32, 3), np.uint8))
    return folder


def keys(at) -> set[str]:
    return {button.key for button in at.button}


@pytest.mark.slow
def test_before_a_check_the_counts_speak_and_a_check_is_offered(full):
    at = open_page()
    shown = words(at).replace("\\", "")
    assert "The largest class has 24.17 times the images of the smallest" in shown and "memorize so few images" in shown
    assert "inspect_start" in keys(at) and not any(key.startswith("exclude_") for key in keys(at))
    at.button(key="inspect_start").click().run()
    assert not at.exception and Store(full).latest_job("inspect", seeded_workspace.DATASET).state == "queued"
    assert at.button(key="inspect_cancel")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["", '{"schema": 1', '{"schema": 0, "findings": []}', '{"schema": 1, "findings": [{}]}']
)
def test_a_torn_or_old_report_counts_as_none(looked_at, text):
    (looked_at / "health.json").write_text(text)
    (looked_at / "means.npy").write_bytes(b"torn")
    (looked_at / "exclusions.json").write_text(text)
    at = open_page()
    assert at.button(key="inspect_start").label == "Check the images"


@pytest.mark.slow
def test_exclude_undo_and_make_the_curated_dataset(looked_at, full):
    at = open_page()
    assert at.button(key="curate_start").disabled
    assert {"exclude_blank", "exclude_leaks"} <= keys(at) and not {"exclude_enlarged", "exclude_imbalance"} & keys(at)
    assert [b.label for b in at.button if b.key in ("exclude_blank", "exclude_leaks")] == [
        "Keep one of each",
        "Exclude 3",
    ]
    at.button(key="exclude_blank").click().run()
    entry = exclusions.read(looked_at)[0]
    assert entry.rows == [("test", 1), ("train", 3), ("train", 4)] and "exclude_blank" not in keys(at)
    at.button(key=f"undo_{entry.id}").click().run()
    assert exclusions.read(looked_at) == [] and "exclude_blank" in keys(at)
    at.button(key="exclude_leaks").click().run()
    at.button(key="curate_start").click().run()
    assert not at.exception and not at.error
    job = Store(full).jobs(kind="curate")[0]
    assert job.payload["left_out"] == {"leaks": [["train", 7]]} and job.payload["parent"] == seeded_workspace.DATASET
    assert f"curate_{job.id}_cancel" in keys(at)


@pytest.mark.slow
def test_some_of_the_images_can_be_excluded_and_names_are_only_names(looked_at):
    at = open_page()
    at.toggle(key=f"see_leaks_{seeded_workspace.DATASET}").set_value(True).run()
    shown = words(at)
    assert "mirrored" in shown and "<script>" not in shown and "![x]" not in shown
    assert at.button(key="exclude_some_leaks").disabled
    at.multiselect(key=f"some_leaks_{seeded_workspace.DATASET}").set_value([1]).run()
    at.button(key="exclude_some_leaks").click().run()
    assert exclusions.read(looked_at)[0].rows == [("test", 2)]


def test_rows_out_of_reach_are_passed_over(looked_at):
    far = Finding("outliers", "low", "1", 1, "exclude", [("train", 10**6)], [[Picture("train", 10**6, "x", "cat")]])
    findings.write(looked_at, Health(1, 1, [far]), 0, "x")
    at = open_page()
    at.toggle(key=f"see_outliers_{seeded_workspace.DATASET}").set_value(True).run()
    assert "not there any more" in words(at)
    at.button(key="exclude_outliers").click().run()
    assert "no such image" in at.error[0].value.replace("\\", "")


@pytest.mark.slow
def test_the_background_is_chosen_with_a_preview(looked_at, full):
    at = open_page()
    at.segmented_control(key=f"curate_background_{seeded_workspace.DATASET}").set_value("white").run()
    assert not at.exception and "no object found" in words(at)
    at.button(key=f"curate_cutouts_{seeded_workspace.DATASET}_next").click().run()
    at.segmented_control(key=f"curate_without_{seeded_workspace.DATASET}").set_value(False).run()
    at.button(key="curate_start").click().run()
    job = Store(full).jobs(kind="curate")[0]
    assert job.payload["background"] == "white" and job.payload["keep_without_object"] is False
