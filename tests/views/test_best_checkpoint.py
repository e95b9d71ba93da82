"""The best checkpoint of a run in a sentence."""

import json

from gan_core.views.best_checkpoint import about_best


def test_the_sentence_has_its_images_distance_and_coverage(tmp_path):
    assert about_best(tmp_path) == ""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    mark = {"images_seen": 120_000, "kernel_distance": 1.2345, "coverage": 0.915}
    (folder / "best.json").write_text(json.dumps({"best": mark, "checks": []}))
    assert about_best(tmp_path) == ""  # its checkpoint is gone
    (folder / "ck-000000120000.json").write_text("{}")
    said = about_best(tmp_path)
    assert "120,000 images" in said and "1.23," in said and "91.5 %" in said
    assert about_best(tmp_path, is_live=True).startswith("Best so far")
    (folder / "best.json").write_text(json.dumps({"best": mark | {"coverage": None}, "checks": []}))
    assert "coverage" not in about_best(tmp_path)
