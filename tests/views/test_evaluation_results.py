"""What an evaluation left is read back: images by class and by cell, pairs, tables; missing and damaged parts are no error."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_core.evaluation.results import EvaluationResult
from gan_core.views import evaluation_results
from tests.builders import evaluated_run, seeded_workspace


@pytest.fixture
def planted(workspace, store):
    """(result, EvaluatedImages, training images, labels) of a measured run."""
    job = evaluated_run.plant(workspace, store)
    kept = evaluation_results.read_images(workspace.run(evaluated_run.RUN) / "evaluations" / job.id)
    images, labels = evaluation_results.read_training_set(
        workspace.dataset(evaluated_run.DATASET), EvaluationResult.read(job.result)
    )
    return job.result, kept, images, labels


def test_rows_of_a_class_and_of_a_cell_are_a_partition(planted):
    result, kept, _, _ = planted
    counts = result["agreement"]["confusion"]
    for asked in range(3):
        rows = evaluation_results.rows_of(kept, asked)
        assert (kept.samples["asked"][rows] == asked).all()
        cells = [evaluation_results.rows_of(kept, asked, taken) for taken in range(3)]
        assert [len(cell) for cell in cells] == counts[asked]
        assert sorted(np.concatenate(cells)) == list(rows)


def test_a_pair_is_the_images_that_the_result_names_and_a_mirrored_one_matches(planted):
    result, kept, images, _ = planted
    pairs = evaluation_results.closest_pairs(EvaluationResult.read(result).memorization, kept, images)
    assert len(pairs) == 16 and [pair.distance for pair in pairs] == sorted(pair.distance for pair in pairs)
    for pair in pairs[:4]:  # planted copies, the second of them mirrored
        assert (pair.fake == pair.real).all()
    assert [pair.flipped for pair in pairs[:3]] == [False, True, False]
    assert not (pairs[5].fake == pairs[5].real).all()


def test_pairs_that_name_images_out_of_reach_are_left_out(planted):
    result, kept, images, _ = planted
    pairs = result["memorisation"]["pairs"]
    pairs[0]["fake"], pairs[1]["train"], pairs[2]["train"] = len(kept.images), len(images), -1
    assert len(evaluation_results.closest_pairs(EvaluationResult.read(result).memorization, kept, images)) == 13
    assert evaluation_results.closest_pairs(None, kept, images) == []


def test_the_closest_of_a_class_are_of_that_class_the_nearest_first(planted):
    _, kept, images, labels = planted
    for asked in range(3):
        pairs = evaluation_results.closest_of_class(kept, images, asked, 8)
        assert len(pairs) == 8 and [p.distance for p in pairs] == sorted(p.distance for p in pairs)
        rows = evaluation_results.rows_of(kept, asked)
        assert pairs[0].distance == kept.samples["distance"][rows].min()
        real = images[labels == asked]
        assert all(any((pair.real == one).all() for one in real) for pair in pairs)
    kept.samples["nearest"][:] = -1
    assert evaluation_results.closest_of_class(kept, images, 0, 8) == []


@pytest.mark.parametrize("harm", ["absent", "torn", "other_length", "empty", "object"])
def test_a_folder_that_cannot_be_read_is_no_images(harm, workspace, store):
    job = evaluated_run.plant(workspace, store)
    folder = workspace.run(evaluated_run.RUN) / "evaluations" / job.id
    if harm == "absent":
        (folder / "images.npy").unlink()
    elif harm == "torn":
        (folder / "samples.npz").write_bytes((folder / "samples.npz").read_bytes()[:200])
    elif harm == "other_length":
        np.save(folder / "images.npy", np.zeros((3, 32, 32, 1), np.uint8))
    elif harm == "empty":
        (folder / "images.npy").write_bytes(b"")
    else:
        np.save(folder / "images.npy", np.array([{}], object))
    assert evaluation_results.read_images(folder) is None
    assert "<h2>Scores</h2>" in evaluation_results.report(store, workspace, job)


def test_samples_without_a_referee_have_unknown_predictions(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((3, 8, 8, 1), np.uint8))
    np.savez(tmp_path / "samples.npz", asked=np.array([0, 0, 1]))
    kept = evaluation_results.read_images(tmp_path)
    assert list(evaluation_results.rows_of(kept, 0)) == [0, 1] and (kept.samples["predicted"] == -1).all()


def test_pairs_stand_beside_each_other():
    one = lambda tone: np.full((64, 64, 3), tone, np.uint8)
    sheet = evaluation_results.pair_sheet([evaluation_results.Pair(one(10), one(200), 0.5, None, False)] * 3, 2)
    assert sheet.size == (2 * 130 + 14, 2 * 64 + 14)
    assert [sheet.getpixel((x, 30))[0] for x in (5, 70, 149, 214)] == [10, 200, 10, 200]


def test_spread_takes_the_first_and_the_last():
    assert list(evaluation_results.spread(np.arange(101), 3)) == [0, 50, 100]
    assert list(evaluation_results.spread(np.arange(2), 3)) == [0, 1]


def test_the_csv_has_a_line_over_all_and_a_line_a_class(planted):
    result = planted[0]
    result["classes"][0] = "=1+1"
    result["per_class"] = {"=1+1": result["per_class"].pop("cat"), **result["per_class"]}
    lines = list(csv.DictReader(io.StringIO(evaluation_results.to_csv([result, seeded_workspace.SCORES]))))
    assert [line["class"] for line in lines] == ["", "'=1+1", *evaluated_run.CLASSES[1:], ""]
    assert float(lines[0]["frechet_distance"]) == 31.25 and float(lines[0]["frechet_distance_ci_low"]) == 28.125
    assert float(lines[0]["floor_coverage"]) == 0.96 and lines[0]["inception_score_formula"] == ""
    assert float(lines[2]["kid_ci_high"]) == 0.02 and lines[1]["kid"] == "" and lines[2]["n_real"] == "21"
    assert {line["weights"] for line in lines} == {"ab" * 32}
    assert float(lines[4]["kid"]) == 0.0123 and lines[4]["coverage"] == ""  # an old result, in the same table


def test_reading_brings_no_torch():
    code = (
        "import sys, gan_core.views.evaluation_results; "
        "print(sorted({'torch', 'streamlit', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
