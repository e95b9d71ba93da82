"""import_dataset.py: from a source to a finished folder, and every refusal on the way."""

import io
import json
import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from gan_core.data import decode_source, pixel_file, sources
from gan_core.data import import_dataset as importer
from gan_core.data.dataset import load, read_info
from gan_core.data.dataset_files import read_items
from gan_core.data.import_dataset import import_dataset
from gan_core.data.import_report import Record
from gan_core.data.split_names import SPLITS
from gan_core.errors import Stopped, UserError
from gan_core.requests import ImportRequest
from tests.builders.odd_pictures import encoded, every_kind


def png(seed: int, colour: bool = False, side: int = 40) -> bytes:
    shape = (side, side, 3) if colour else (side, side)
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def run(tmp_path: Path, source, name: str = "set", **options):
    folder = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    how = {key: options.pop(key) for key in ("on_progress", "should_stop") if key in options}
    request = ImportRequest(source=str(source), name=name, **{"size": 32, **options})
    return import_dataset(source, folder, request, **how), folder


def refusal(tmp_path: Path, source, **options) -> str:
    with pytest.raises(UserError) as caught:
        run(tmp_path, source, **options)
    return caught.value.code


PICTURE = np.random.default_rng(3).integers(0, 200, (40, 40))
PETS = {
    f"pets/{name}/{number}.png": png(number + 100 * (name == "dog"))
    for name, count in (("cat", 20), ("dog", 6))
    for number in range(count)
}


def test_a_zip_becomes_a_whole_data_set(tmp_path):
    messages = []
    source = make_zip(
        tmp_path / "pets.zip",
        {
            **PETS,
            "pets/cat/.DS_Store": b"",
            "pets/cat/notes.jpg": b"text",
            "pets/dog/copy.png": PETS["pets/dog/0.png"],
            "pets/loose.png": png(999),
        },
    )
    info, folder = run(tmp_path, source, on_progress=lambda fraction, message: messages.append((fraction, message)))
    assert sorted(path.name for path in folder.iterdir()) == [
        "contact",
        "dataset.json",
        "items.jsonl",
        "test_images.npy",
        "test_labels.npy",
        "train_images.npy",
        "train_labels.npy",
        "validation_images.npy",
        "validation_labels.npy",
    ]
    assert info == read_info(folder)
    assert (info.classes, info.mode) == (["cat", "dog"], "L")
    assert info.counts == {"train": [14, 5], "validation": [3, 0], "test": [3, 1]}
    assert info.source["validation_split"] == info.source["test_split"] == "cut"
    assert any("Fewer than 8 images in dog (6): no validation image" in notice for notice in info.notices)
    assert info.health == {
        "images": 26,
        "classes": {"cat": 20, "dog": 6},
        "duplicates": 1,
        "conflicts": 0,
        "ignored": 1,
        "rejected": 2,
        "animations": 0,
        "converted": 0,
        "imbalance": 3.33,
        "source_modes": {"L": 26},
        "source_sizes": {"min": [40, 40], "median": [40, 40], "max": [40, 40]},
    }
    assert info.rejected == [
        {"file": "pets/cat/notes.jpg", "reason": "not an image: it looks like text"},
        {"file": "pets/loose.png", "reason": "it lies in no class folder"},
    ]
    sets = {split: load(folder, split) for split in SPLITS}
    assert sets["train"].images.shape == (19, 32, 32, 1) and sets["train"].images.dtype == np.uint8
    assert {split: one.labels.tolist() for split, one in sets.items()} == {
        "train": [0] * 14 + [1] * 5,
        "validation": [0] * 3,
        "test": [0] * 3 + [1],
    }
    items = list(read_items(folder))
    assert [item["split"] for item in items] == ["train"] * 19 + ["validation"] * 3 + ["test"] * 4
    assert len({item["sha256"] for item in items}) == 26
    for item in items:  # each row holds the pixels of the file it names
        original = Image.open(io.BytesIO(PETS[item["name"]])).resize((32, 32), Image.Resampling.LANCZOS)
        assert np.array_equal(sets[item["split"]].images[item["row"], ..., 0], np.asarray(original))
    assert [Image.open(folder / "contact" / f"{label}.webp").format for label in (0, 1)] == ["WEBP", "WEBP"]
    fractions = [fraction for fraction, _ in messages]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert not info.notices or all(notice.endswith(".") for notice in info.notices)


def test_a_folder_gives_the_same_set_and_stays_as_it_was(tmp_path):
    info, folder = run(tmp_path, make_zip(tmp_path / "pets.zip", PETS))
    root = tmp_path / "pictures"
    for name, data in PETS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(png(5000))
    (root / "pets/cat/link.png").symlink_to(outside / "secret.png")
    (root / "pets/stolen").symlink_to(outside, target_is_directory=True)
    os.mkfifo(root / "pets/cat/pipe.png")
    (root / "pets/cow").mkdir()
    before = sorted((str(path), path.lstat().st_mtime_ns) for path in root.rglob("*"))
    again, second = run(tmp_path, root)
    assert sorted((str(path), path.lstat().st_mtime_ns) for path in root.rglob("*")) == before
    assert again.train_counts == info.train_counts and again.source["kind"] == "folder"
    places = [[(item["split"], item["sha256"]) for item in read_items(each)] for each in (folder, second)]
    assert places[0] == places[1]
    assert (second / "train_images.npy").read_bytes() == (folder / "train_images.npy").read_bytes()
    assert [entry["file"] for entry in again.rejected] == ["pets/cat/link.png", "pets/cat/pipe.png", "pets/stolen"]
    assert any("cow" in notice for notice in again.notices)


def test_links_in_a_zip_are_listed(tmp_path):
    source = make_zip(tmp_path / "a.zip", PETS)
    with zipfile.ZipFile(source, "a") as archive:
        link = zipfile.ZipInfo("pets/cat/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    info, _ = run(tmp_path, source)
    assert info.rejected == [{"file": "pets/cat/link.png", "reason": sources.LINK}]


@pytest.mark.slow
def test_mode_follows_the_pictures_unless_told(tmp_path):
    grey = {f"a/{number}.png": png(number) for number in range(19)}
    mostly = make_zip(tmp_path / "mostly.zip", {**grey, "a/c.png": png(50, colour=True)})
    info, folder = run(tmp_path, mostly)
    assert info.mode == "L" and load(folder, "train").images.shape[-1] == 1
    mixed = make_zip(tmp_path / "mixed.zip", {**grey, "a/c.png": png(50, True), "a/d.png": png(51, True)})
    info, folder = run(tmp_path, mixed)
    assert info.mode == "RGB" and load(folder, "train").images.shape[-1] == 3
    flat = np.asarray(load(folder, "train").images)
    assert (flat[..., 0] == flat[..., 1]).all(axis=(1, 2)).sum() >= 11  # the grey ones stay grey
    assert run(tmp_path, mixed, mode="L")[0].mode == "L" and run(tmp_path, mostly, mode="RGB")[0].mode == "RGB"


def test_the_same_picture_never_lies_on_both_sides(tmp_path):
    shared = {f"{name}/{number}.png": png(number) for name in ("a", "b") for number in range(10)}
    own = {
        f"{name}/own{number}.png": png(1000 + number + 100 * (name == "b"))
        for name in ("a", "b")
        for number in range(10)
    }
    info, folder = run(tmp_path, make_zip(tmp_path / "a.zip", {**shared, **own}), test_fraction=0.5)
    assert info.health["conflicts"] == 10 and any("Label conflict: 10 images" in notice for notice in info.notices)
    items = list(read_items(folder))
    sides = {split: {item["sha256"] for item in items if item["split"] == split} for split in SPLITS}
    assert info.health["images"] == 40 and len(sides["test"]) == 20 and not sides["train"] & sides["test"]
    assert not sides["validation"] & (sides["train"] | sides["test"])


def test_given_test_folders_are_kept(tmp_path):
    files = {
        f"d/{split}/cat/{number}.png": png(number + base)
        for split, base in (("train", 0), ("val", 100), ("test", 200))
        for number in range(3)
    }
    files |= {"d/train/cat/leak.png": files["d/test/cat/0.png"], "d/test/cow/1.png": png(7000)}
    info, folder = run(tmp_path, make_zip(tmp_path / "a.zip", files))
    assert (info.classes, info.counts) == (["cat"], {"train": [3], "validation": [3], "test": [3]})
    assert info.source["test_split"] == info.source["validation_split"] == "given" and info.health["duplicates"] == 1
    folders = {"train": "/train/", "validation": "/val/", "test": "/test/"}
    assert all(folders[item["split"]] in item["name"] for item in read_items(folder))
    text = " ".join(info.notices)
    assert "folder val is the validation split" in text and "cow" in text and "1 image is in two splits" in text


@pytest.mark.parametrize(
    ("left_out", "cut"), [("test", {"test"}), ("val", {"validation"}), ("", set()), ("testval", {"test", "validation"})]
)
def test_only_what_was_not_given_is_cut(tmp_path, left_out, cut):
    sizes = {"train": 20, "val": 4, "test": 6}
    files = {
        f"d/{split}/{name}/{number}.png": png(number + base + 1000 * (name == "dog"))
        for base, (split, size) in zip((0, 100, 200), sizes.items(), strict=True)
        if split not in left_out
        for name in ("cat", "dog")
        for number in range(size)
    }
    info, _ = run(tmp_path, make_zip(tmp_path / "a.zip", files))
    assert {split for split in ("validation", "test") if info.source[f"{split}_split"] == "cut"} == cut
    wanted = {"validation": 3 if "validation" in cut else 4, "test": 3 if "test" in cut else 6}
    assert {split: info.counts[split] for split in wanted} == {split: [n, n] for split, n in wanted.items()}
    assert sum(info.totals) == len(files)


def test_a_class_of_fewer_than_eight_images_gives_none_to_validation_and_is_named(tmp_path):
    counts = {"cat": 20, "dog": 7, "owl": 8}
    files = {
        f"{name}/{number}.png": png(number + 100 * at)
        for at, (name, count) in enumerate(counts.items())
        for number in range(count)
    }
    info, _ = run(tmp_path, make_zip(tmp_path / "a.zip", files))
    assert info.counts == {"train": [14, 6, 6], "validation": [3, 0, 1], "test": [3, 1, 1]}
    (said,) = [notice for notice in info.notices if "Fewer than 8 images" in notice]
    assert "dog (7)" in said and "owl" not in said


def test_the_shares_are_options_and_no_validation_is_told(tmp_path):
    source = make_zip(tmp_path / "a.zip", {f"cat/{number}.png": png(number) for number in range(40)})
    info, _ = run(tmp_path, source, test_fraction=0.25, validation_fraction=0.5)
    assert info.counts == {"train": [15], "validation": [15], "test": [10]}
    assert info.source["validation_fraction"] == 0.5
    none, folder = run(tmp_path, source, validation_fraction=0)
    assert none.counts == {"train": [34], "validation": [0], "test": [6]} and not len(load(folder, "validation").images)
    assert any("validation share is 0" in notice for notice in none.notices)


def test_near_duplicates_lie_on_one_side(tmp_path):
    rng, files, of = np.random.default_rng(0), {}, {}
    for scene in range(12):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6), np.uint8)).resize((40, 40), Image.Resampling.BICUBIC)
        for shot in range(5):
            noisy = np.clip(np.asarray(coarse) + rng.normal(0, 3, (40, 40)), 0, 255).astype(np.uint8)
            name = f"cat/{scene:02d}-{shot}.png"
            files[name], of[name] = io.BytesIO(), scene
            Image.fromarray(noisy).save(files[name], "PNG")
    source = make_zip(tmp_path / "a.zip", {name: data.getvalue() for name, data in files.items()})
    info, folder = run(tmp_path, source)
    sides = {split: {of[item["name"]] for item in read_items(folder) if item["split"] == split} for split in SPLITS}
    assert (
        sum(len(side) for side in sides.values()) == 12 and info.counts["test"] == [10] and info.counts["validation"][0]
    )
    assert info.health["duplicates"] == 0


def test_a_class_of_near_duplicates_alone_is_told(tmp_path):
    same = {f"cat/{n}.png": Image.fromarray((PICTURE // 2 + n).astype(np.uint8)) for n in range(12)}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, image in same.items():
            file = io.BytesIO()
            image.save(file, "PNG")
            archive.writestr(name, file.getvalue())
    info, _ = run(tmp_path, tmp_path / "a.zip")
    assert info.counts["test"] == [2] and any("Nearly all images of cat are near" in one for one in info.notices)


def test_the_split_is_fixed_by_the_seed(tmp_path):
    source = make_zip(tmp_path / "a.zip", PETS)
    tests = [
        [item["name"] for item in read_items(run(tmp_path, source, seed=seed)[1]) if item["split"] == "test"]
        for seed in (1, 1, 2)
    ]
    assert tests[0] == tests[1] != tests[2]


def test_small_and_single_classes_are_accepted_with_a_notice(tmp_path):
    info, _ = run(tmp_path, make_zip(tmp_path / "a.zip", {f"cat/{number}.png": png(number) for number in range(3)}))
    assert (info.train_counts, info.test_counts) == ([3], [0])
    text = " ".join(info.notices)
    assert "Only one class (cat)" in text and "Fewer than 5 images in cat (3)" in text


def test_bad_sources(tmp_path):
    assert refusal(tmp_path, tmp_path / "none.zip") == "no_source"
    assert refusal(tmp_path, "demo:imagenet") == "unknown_ready_set"
    assert refusal(tmp_path, make_zip(tmp_path / "a.zip", {"README.txt": b"none", "2.txt": b""})) == "no_class_folders"
    assert refusal(tmp_path, make_zip(tmp_path / "b.zip", {"cat/1.png": b"text", "cat/2.png": b""})) == "no_images"
    (tmp_path / "c.zip").write_bytes(b"no zip")
    assert refusal(tmp_path, tmp_path / "c.zip") == "not_a_zip"
    assert refusal(tmp_path, make_zip(tmp_path / "d.zip", {"../cat/1.png": png(1)})) == "unsafe_name"
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path, tmp_path / "empty") == "no_images"


def damage(path: Path, names: list[str]) -> Path:
    """Flip a byte in the data of the named members."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        for name in names:
            data[archive.getinfo(name).header_offset + 30 + len(name) + 30] ^= 255
    path.write_bytes(data)
    return path


def test_one_damaged_member_is_listed_and_many_refuse_the_zip(tmp_path):
    info, _ = run(tmp_path, damage(make_zip(tmp_path / "a.zip", PETS), ["pets/cat/3.png"]))
    assert [entry["file"] for entry in info.rejected] == ["pets/cat/3.png"] and "checksum" in info.rejected[0]["reason"]
    assert refusal(tmp_path, damage(make_zip(tmp_path / "b.zip", PETS), sorted(PETS)[:4])) == "corrupt_archive"


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(importer.shutil, "disk_usage", lambda path: type("", (), {"free": 1000}))
    assert refusal(tmp_path, make_zip(tmp_path / "a.zip", PETS)) == "disk_full"


def test_stop(tmp_path):
    asked = []
    with pytest.raises(Stopped):
        run(tmp_path, make_zip(tmp_path / "a.zip", PETS), should_stop=lambda: asked.append(1) or len(asked) > 2)


@pytest.mark.parametrize(
    ("name", "images", "classes"),
    [("digits", 1797, list("0123456789")), ("shapes", 600, ["circle", "square", "triangle"])],
)
def test_ready_sets_go_the_same_way(tmp_path, name, images, classes):
    info, folder = run(tmp_path, f"demo:{name}", name="")
    assert (info.name, info.classes, info.health["images"]) == (name, classes, images)
    assert info.mode == ("L" if name == "digits" else "RGB") and info.health["duplicates"] == 0
    assert sum(info.totals) == images == len(list(read_items(folder)))
    assert all(0.1 < n / total < 0.16 for n, total in zip(info.validation_counts, info.totals, strict=True))
    assert load(folder, "train").images.shape == (sum(info.train_counts), 32, 32, info.channels)


def test_names_are_only_data(tmp_path):
    odd = "<script>alert(1)"
    source = make_zip(tmp_path / "a.zip", {f"{odd}/{number}.png": png(number) for number in range(6)})
    info, folder = run(tmp_path, source, name=" \n" + odd)
    assert info.classes == [odd] and info.name == odd
    assert json.loads((folder / "dataset.json").read_text())["name"] == odd
    assert not [path for path in folder.rglob("*") if "script" in path.name]


def pictures_in(root: Path) -> Path:
    for name, data in PETS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def test_what_vanishes_from_a_folder_is_listed(tmp_path, monkeypatch):
    root = pictures_in(tmp_path / "pictures")
    lstat = os.lstat

    def lstat_of_a_moving_folder(path, **options):
        if str(path).endswith("cat/1.png"):
            raise FileNotFoundError(2, "gone", str(path))
        status = lstat(path, **options)
        if str(path).endswith("cat/2.png"):  # there when listed, gone when read
            os.unlink(path)
        return status

    monkeypatch.setattr(sources.os, "lstat", lstat_of_a_moving_folder)
    info, _ = run(tmp_path, root)
    assert [entry["file"] for entry in info.rejected] == ["pets/cat/1.png", "pets/cat/2.png"]
    assert info.rejected[0]["reason"] == sources.UNREADABLE
    assert sum(info.totals) == len(PETS) - 2


def test_a_folder_that_cannot_be_listed_is_told(tmp_path, monkeypatch):
    root, scandir = pictures_in(tmp_path / "pictures"), os.scandir
    (root / "pets" / "locked").mkdir()
    closed = {str(root / "pets" / "locked")}

    def scandir_with_locks(path):
        if str(path) in closed:
            raise PermissionError(13, "locked", str(path))
        return scandir(path)

    monkeypatch.setattr(sources.os, "scandir", scandir_with_locks)
    info, _ = run(tmp_path, root)
    assert [entry["file"] for entry in info.rejected] == ["pets/locked"]
    closed.add(str(root))
    assert refusal(tmp_path, root) == "bad_folder"


def test_folders_that_hold_no_pictures_of_the_user_are_refused(tmp_path):
    for folder in ("/", "/proc", "/sys/class", "/dev"):
        assert refusal(tmp_path, folder) == "bad_folder"
    assert refusal(tmp_path, tmp_path) == "bad_folder"  # holds the staging folder
    workspace = tmp_path / "workspace"
    inside = pictures_in(workspace / "datasets" / "d1")
    (tmp_path / "way").symlink_to(inside, target_is_directory=True)
    (workspace / "ganvas.sqlite").write_bytes(b"")
    for folder in (workspace, inside, inside / "pets", tmp_path / "way"):
        assert refusal(tmp_path, folder) == "bad_folder"


def test_each_item_tells_what_its_picture_was(tmp_path):
    _, folder = run(
        tmp_path, make_zip(tmp_path / "a.zip", {"a/1.png": png(1, side=40), "a/2.png": png(2, True, side=50)})
    )
    items = {item["name"]: (item["width"], item["height"], item["mode"]) for item in read_items(folder)}
    assert items == {"a/1.png": (40, 40, "L"), "a/2.png": (50, 50, "RGB")}


def test_every_kind_of_picture_and_what_is_told_of_them(tmp_path):
    files = every_kind()
    info, folder = run(tmp_path, make_zip(tmp_path / "a.zip", {f"a/{name}": data for name, data in files.items()}))
    assert not info.rejected and info.health["images"] == len(files)
    assert info.health["animations"] == sum("animated" in name or "pages" in name for name in files)
    text = " ".join(info.notices)
    assert "4 files hold several frames or pages" in text and "A mixture of" in text
    grey = {item["name"] for item in read_items(folder) if item["mode"] in ("L", "1", "I;16", "F")}
    assert {"a/png_grey", "a/png_16", "a/tiff_float", "a/bmp_1"} <= grey
    assert info.health["converted"] >= len(grey)


def test_the_chosen_background_lies_behind_and_beside(tmp_path):
    def with_alpha(level: int) -> bytes:
        buffer = io.BytesIO()
        Image.new("RGBA", (40, 20), (level, 0, 0, 0)).save(buffer, "PNG")
        return buffer.getvalue()

    source = make_zip(tmp_path / "a.zip", {f"a/{level}.png": with_alpha(level) for level in range(6)})
    info, folder = run(tmp_path, source, fit="pad", background="#102030")
    assert info.mode == "RGB" and info.source["background"] == "#102030"
    assert (np.asarray(load(folder, "train").images) == (16, 32, 48)).all()
    info, folder = run(tmp_path, source, fit="pad")
    assert info.mode == "L" and info.source["background"] == "white" and (load(folder, "train").images[0] == 255).all()
    assert refusal(tmp_path, source, background="pink") == "bad_background"


def test_pictures_that_are_all_too_small_ask_for_a_smaller_size(tmp_path):
    source = make_zip(tmp_path / "a.zip", {f"a/{number}.png": png(number, side=28) for number in range(5)})
    with pytest.raises(UserError) as caught:
        run(tmp_path, source, size=128)
    assert caught.value.code == "no_images" and "28 × 28 pixels for 128 px" in caught.value.what
    assert "smaller size" in caught.value.todo
    assert run(tmp_path, source, size=64)[0].health["images"] == 5


def test_pictures_far_apart_and_near_each_other_give_the_same(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (900, 3 * 4 * 4), dtype=np.uint8)
    (tmp_path / "pixels").write_bytes(pixels.tobytes())
    with open(tmp_path / "pixels", "rb") as file:
        for wanted in ([5], [3, 4, 6], [899, 0, 450], list(range(0, 900, 100)), [7, 2, 5]):
            assert np.array_equal(pixel_file.read(file.fileno(), wanted, 48), pixels[wanted])
    rows = [Record(slot, 0, False, "", "", 1 if slot % 3 else 3, 4, 4, "L") for slot in range(0, 900, 7)]
    whole = np.concatenate(list(pixel_file.chunks(tmp_path / "pixels", rows, 4, "RGB")))
    for image, row in zip(whole, rows, strict=True):
        expected = (
            pixels[row.position].reshape(4, 4, 3) if row.channels == 3 else pixels[row.position, :16].reshape(4, 4, 1)
        )
        assert np.array_equal(image, np.broadcast_to(expected, (4, 4, 3)))


def test_a_large_zip_starts_its_readers_early_and_leaves_none(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (1200, 1300, 3), dtype=np.uint8)
    files = {f"a/{number}.bmp": encoded(Image.fromarray(pixels ^ np.uint8(number)), "BMP") for number in range(3)}
    source = make_zip(tmp_path / "a.zip", files)
    assert source.stat().st_size > decode_source.LARGE_ZIP_BYTES
    assert run(tmp_path, source)[0].health["images"] == 3
    source.write_bytes(source.read_bytes()[:-100])  # refused when they are there already
    assert refusal(tmp_path, source) == "corrupt_archive"
    commands = [child.cmdline() for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    assert not [command for command in commands if "gan_core.data.decoder_process" in command]
