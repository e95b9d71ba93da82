"""Animations: the frames that were chosen, in order, in each format, without holding them all."""

import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_core.errors import Stopped, UserError
from gan_core.generation import animation

ROOT = Path(__file__).parents[2]


def reds(path):
    """The red of each frame's middle."""
    found = []
    with Image.open(path) as film:
        for number in range(film.n_frames):
            film.seek(number)
            frame = film.convert("RGB")
            found.append(frame.getpixel((frame.width // 2, frame.height // 3))[0])
    return found


def grids(folder, count, side=80):
    files = []
    for number in range(count):
        path = folder / f"{number}.png"
        Image.new("RGB", (side, side), (10 + 240 * number // count, 0, 0)).save(path)
        files.append((path, f"epoch {number}"))
    return files


@pytest.mark.parametrize("count", [1, 2, 299, 300, 301, 500, 12345])
def test_chosen_frames_are_evenly_spaced_from_the_first_to_the_last(count):
    chosen = animation.choose(count, 300)
    assert len(chosen) == min(count, 300) and chosen[0] == 0 and chosen[-1] == count - 1
    steps = np.diff(chosen)
    assert count == 1 or (steps.min() >= 1 and steps.max() - steps.min() <= 1)


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_a_timelapse_has_every_frame_in_order_and_a_longer_last_one(tmp_path, format):
    path = tmp_path / f"t.{format}"
    assert animation.timelapse(grids(tmp_path, 6), path, format=format) == 6
    assert reds(path) == sorted(reds(path)) and len(reds(path)) == 6 and reds(path)[-1] > 150
    with Image.open(path) as film:
        film.seek(5)
        film.load()
        assert film.info["duration"] == animation.LAST_MS


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_very_many_grids_become_so_many_frames(tmp_path, format):
    path = tmp_path / f"t.{format}"
    assert animation.timelapse(grids(tmp_path, 30), path, format=format, most_frames=7) == 7
    assert len(reds(path)) == 7 and reds(path)[0] < 20 and reds(path)[-1] > 220


@pytest.mark.slow
def test_frames_are_drawn_one_at_a_time_and_forgotten(tmp_path):
    """100 frames of 3 MB each; in a process of its own, whose highest memory nothing else has raised."""
    code = (
        "import resource; from PIL import Image; from gan_core.generation import animation; from pathlib import Path\n"
        "top = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "draw = lambda at: Image.new('RGB', (1000, 1000), (97 * at % 256, 0, 0))\n"
        f"animation.write(Path({str(tmp_path)!r}) / 'few.webp', 'webp', draw, 3); before = top()\n"
        f"animation.write(Path({str(tmp_path)!r}) / 'many.webp', 'webp', draw, 100); print(top() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 60
    assert len(reds(tmp_path / "many.webp")) == 100


def test_grids_of_different_sizes_fit_into_one_film(tmp_path):
    files = [*grids(tmp_path, 2), (tmp_path / "wide.png", "wide")]
    Image.new("RGB", (1600, 400), "blue").save(tmp_path / "wide.png")
    animation.timelapse(files, tmp_path / "t.webp")
    with Image.open(tmp_path / "t.webp") as film:
        assert film.n_frames == 3 and film.width == 720


def test_it_can_be_stopped_and_leaves_nothing(tmp_path):
    files = grids(tmp_path, 5)
    with pytest.raises(Stopped):
        animation.timelapse(files, tmp_path / "t.gif", should_stop=lambda: True, format="gif")
    assert not list(tmp_path.glob("t.gif*"))


def test_without_pyav_mp4_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install av"):
        animation.check_format("mp4")
    animation.check_format("gif")
    with pytest.raises(UserError, match="no format 'avi'"):
        animation.check_format("avi")


def test_an_mp4_plays_every_frame_in_order(tmp_path):
    import av

    animation.timelapse(grids(tmp_path, 6, side=81), tmp_path / "t.mp4", format="mp4")
    with av.open(str(tmp_path / "t.mp4")) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    tones = [int(frame[frame.shape[0] // 3, 40, 0]) for frame in frames]
    assert len(frames) == 6 + animation.LAST_MS // animation.FRAME_MS and frames[0].shape[1] == 80
    assert all(b >= a - 3 for a, b in itertools.pairwise(tones)) and tones[-1] > 150 > 30 > tones[0]
