"""The settings inside a PNG: what was written can be read again, by us and by other tools, and is the same bytes twice."""

import io
import json

import numpy as np
from PIL import Image

from gan_core import __version__
from gan_core.generation import sampling
from gan_core.generation.png_metadata import notes_of, png_info, read_notes
from gan_core.settings.schema import TrainConfig

CONFIG = TrainConfig(recipe="quick")


def notes(**more):
    facts = {"seed": 7, "truncation": 0.5} | more
    return notes_of("r" + "0" * 16, facts.pop("dataset", "Tones"), CONFIG, 1200, **facts)


def test_what_is_written_can_be_read_again(tmp_path):
    wanted = notes(**{"class": "owl"}, dataset='Vögel, 日本: "x"\n:red[y]', number=3)
    sampling.save_png(tmp_path / "a.png", Image.new("L", (8, 8)), wanted)
    found = read_notes(tmp_path / "a.png")
    assert found == json.loads(json.dumps(wanted)) and found["settings"]["recipe"] == "quick"
    assert found["version"] == __version__ and found["number"] == 3


def test_the_line_reads_as_other_tools_write_theirs(tmp_path):
    sampling.save_png(tmp_path / "a.png", Image.new("L", (8, 8)), notes(**{"class": "owl"}))
    with Image.open(tmp_path / "a.png") as picture:
        subject, line = picture.text["parameters"].split("\n")
    assert subject == "owl" and line.startswith("Seed: 7, Truncation: 0.5, Images seen: 1200, Recipe: quick")
    sampling.save_png(tmp_path / "b.png", Image.new("L", (8, 8)), notes(dataset="a, Seed: 9\nb"))
    with Image.open(tmp_path / "b.png") as picture:
        assert 'Dataset: "a, Seed: 9\\nb"' in picture.text["parameters"]
        assert picture.text["parameters"].count("\n") == 1


def test_the_same_picture_and_settings_are_the_same_bytes_and_the_same_pixels(tmp_path):
    picture = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    for name in ("a.png", "b.png"):
        sampling.save_png(tmp_path / name, picture, notes())
    sampling.save_png(tmp_path / "bare.png", picture)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), np.asarray(Image.open(tmp_path / "bare.png")))
    assert read_notes(tmp_path / "bare.png") is None


def test_a_foreign_text_is_not_ours(tmp_path):
    for text in ("[1]", "{", "7"):
        info = png_info(notes())
        info.chunks.clear()
        info.add_text("ganvas", text)
        file = io.BytesIO()
        Image.new("L", (4, 4)).save(file, "PNG", pnginfo=info)
        (tmp_path / "a.png").write_bytes(file.getvalue())
        assert read_notes(tmp_path / "a.png") is None
