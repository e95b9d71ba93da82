"""The verb improve on a dataset with a run, through the queue, and the export that follows it."""

import importlib
import zipfile

import pytest

from gan_core.evaluation.utility import candidates
from gan_core.jobs.shared import search, way_pools


@pytest.mark.slow
def test_improve_finds_what_helps_and_the_export_follows_it(ganvas, workspace, toy_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "UPDATES", {"small": (4, 8)})
    monkeypatch.setattr(candidates, "SHAPES", candidates.SHAPES[-1:])
    monkeypatch.setattr(search, "MOST_MADE", 12)
    monkeypatch.setattr(way_pools, "CHECKS", ())
    code, _, err = ganvas(
        "train",
        toy_dataset,
        "--images",
        "64",
        "--set",
        "width=8",
        "--set",
        "batch=16",
        "--set",
        "guide=false",
        "--json",
    )
    assert code == 0, err
    code, found, err = ganvas("improve", toy_dataset, "--minutes", "30", "--json")
    assert code == 0, err
    assert found["state"] == "finished" and not found["reason"]
    assert found["baseline"] is not None and found["gain_ci95"][0] <= found["gain"] <= found["gain_ci95"][1]
    assert {row["way"] for row in found["race"]} >= {"none", "copies"}
    assert (workspace.dataset(toy_dataset) / "found.json").exists()
    out = tmp_path / "found.zip"
    code, exported, err = ganvas("export", toy_dataset, "--as-found", "--out", out, "--json")
    assert code == 0, err
    with zipfile.ZipFile(out) as archive:
        assert "train.py" in archive.namelist()
    synthetic = sum(row["synthetic"] for row in exported["per_class"].values())
    assert (synthetic > 0) == (found["choice"]["use"] is not None)


def test_where_the_training_is_stopped_no_search_begins(ganvas, toy_dataset, store, monkeypatch):
    monkeypatch.setattr(importlib.import_module("gan_core.cli.improve"), "carry_out", lambda job: {"state": "stopped"})
    code, _, err = ganvas("improve", toy_dataset, "--minutes", "10", "--json")
    assert code == 1 and "training was stopped" in err
    assert not store.jobs(kind="improve") and len(store.jobs(kind="train")) == 1


@pytest.mark.slow
def test_improve_with_too_few_minutes_gives_the_safe_answer(ganvas, toy_dataset):
    code, found, err = ganvas("improve", toy_dataset, "--minutes", "0.001", "--json")
    assert code == 0, err
    assert found["reason"] == "too_little_time" and found["choice"]["way"] == "none"


@pytest.mark.parametrize("words", [("--minutes", "0"), ("--classifier", "large")])
def test_improve_refuses_what_cannot_be(ganvas, toy_dataset, words):
    code, _, err = ganvas("improve", toy_dataset, *words)
    assert code == 2 and err.count("\n") == 1
