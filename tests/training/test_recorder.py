"""What a run leaves in its folder."""

import numpy as np
import torch

from gan_core.generation.sampling import grid as real_grid
from gan_core.training import gpu_obstacle, loop, recorder
from gan_core.training.batches import TrainingSet
from gan_core.training.hooks import Hooks
from tests.builders.toy_images import toy_images

CPU = torch.device("cpu")


def recorder_of(tmp_path, config, classes=3, log=print):
    images, labels = toy_images(60, 32, 1, classes)
    data = TrainingSet(images, labels, [f"class {number}" for number in range(classes)])
    state = loop.build_state(config, data, CPU)
    (tmp_path / "samples").mkdir(exist_ok=True)
    return recorder.Recorder(tmp_path, config, data, state, CPU, Hooks(log=log))


def test_rows_after_the_checkpoint_and_torn_lines_are_dropped_on_resume(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"images_seen": 10}\n{"images_seen": 20}\n{"images_seen": 30}\n{"images_se')
    recorder.keep_until(path, 20)
    assert path.read_text() == '{"images_seen": 10}\n{"images_seen": 20}\n'


def test_grids_stay_few_and_come_early(tiny):
    assert recorder.grid_every(tiny(epochs=10.0), 1000) == 1000
    assert recorder.grid_every(tiny(epochs=10.0), 60_000) == 10_000
    assert 10_000 * 50 / recorder.grid_every(tiny(epochs=10_000.0), 50) <= recorder.MOST_GRIDS


def test_a_grid_is_drawn_in_small_parts_and_looks_as_if_it_were_drawn_at_once(tmp_path, tiny, monkeypatch):
    """A grid of 40 classes has 320 images; at 128 px one pass of them takes more memory than a step of training."""
    one = recorder_of(tmp_path, tiny(), classes=12)
    G, sizes, grids = one.state.G_ema, [], []
    original = G.forward
    monkeypatch.setattr(G, "forward", lambda z, y: (sizes.append(len(z)), original(z, y))[1])
    monkeypatch.setattr(recorder, "grid", lambda images, classes: (grids.append(images), real_grid(images, classes))[1])
    one.draw_grid()
    assert sizes == [32, 32, 32]
    with torch.no_grad():
        whole = recorder.to_pixels(original(one.z, one.y), 32)
    assert grids[0].shape == whole.shape and np.abs(grids[0].astype(int) - whole).max() <= 1


def test_a_run_that_trains_on_the_cpu_beside_a_gpu_says_so(tmp_path, tiny, monkeypatch):
    found = gpu_obstacle.Obstacle("NVIDIA's driver is too old.", "Update the driver.")
    monkeypatch.setattr(gpu_obstacle, "unavailable", lambda: found)
    gpu_obstacle.obstacle.cache_clear()
    lines = []
    recorder_of(tmp_path, tiny(device="auto"), log=lines.append).begin()
    assert any("driver is too old" in line for line in lines)
    assert "driver is too old" in (tmp_path / "events.jsonl").read_text()
    lines.clear()
    recorder_of(tmp_path, tiny(device="cpu"), log=lines.append).begin()
    assert not any("driver" in line for line in lines)
    gpu_obstacle.obstacle.cache_clear()


def test_a_gpu_that_answers_nothing_does_not_hide_why_a_run_failed(tmp_path, tiny):
    one = recorder_of(tmp_path, tiny())
    one.device = torch.device("cuda")  # every question to it fails, here as there is none
    one.fail()
    assert "Failed." in (tmp_path / "events.jsonl").read_text()
