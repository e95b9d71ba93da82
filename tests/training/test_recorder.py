"""What a run leaves in its folder."""

from gan_core.training import recorder


def test_rows_after_the_checkpoint_and_torn_lines_are_dropped_on_resume(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"images_seen": 10}\n{"images_seen": 20}\n{"images_seen": 30}\n{"images_se')
    recorder.keep_until(path, 20)
    assert path.read_text() == '{"images_seen": 10}\n{"images_seen": 20}\n'


def test_grids_stay_few_and_come_early(tiny):
    assert recorder.grid_every(tiny(epochs=10.0), 1000) == 1000
    assert recorder.grid_every(tiny(epochs=10.0), 60_000) == 10_000
    assert 10_000 * 50 / recorder.grid_every(tiny(epochs=10_000.0), 50) <= recorder.MOST_GRIDS
