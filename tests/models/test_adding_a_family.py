"""The steps of CONTRIBUTING.md for a new family and a new loss, followed in tests/builders/toy_family.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gan_core.settings.families import LOSSES, TRAITS

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_family_and_a_loss_that_are_added_can_be_chosen_are_checked_and_train(tmp_path):
    assert "toy-family" not in TRAITS and "toy-loss" not in LOSSES
    program = [sys.executable, "-m", "tests.builders.toy_family", str(tmp_path)]
    ended = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert "toy-family" in found["choices"]["family"] and "toy-loss" in found["choices"]["loss"]
    assert found["refused"] == ["loss"] and found["images_seen"] >= 4 * 32
    assert list((tmp_path / "samples").glob("fakes-*.png")) and list((tmp_path / "checkpoints").glob("ck-*.pt"))
    losses = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert all(abs(row["loss_d"]) < 100 for row in losses)
