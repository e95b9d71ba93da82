"""Look closer, leave out, undo, make the cleaned dataset: through actions, jobs and the command line."""

import io

import numpy as np
import pytest
from PIL import Image

from gan_core import actions
from gan_core.data.dataset import DatasetInfo, load, read_info, write_info
from gan_core.data.dataset_files import read_items, write_items
from gan_core.dataset_health import exclusions, findings, image_stats
from gan_core.dataset_health.curate import Curation, curate
from gan_core.errors import Stopped, UserError
from gan_core.evaluation.inputs import Progress
from gan_core.jobs import worker
from gan_core.jobs.queue import Watch
from gan_core.jobs.rebuild_index import rebuild
from gan_core.storage.store import Store
from gan_core.storage.workspace import new_id, read_json
from tests.export.fill.test_composite import BLUE, RED, disc

pytestmark = pytest.mark.slow

SIDE = 32


def scene(rng, tone: int) -> np.ndarray:
    coarse = (rng.integers(0, 90, (6, 6, 3)) + tone).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def as_jpeg(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=90, subsampling=0)
    return np.asarray(Image.open(file))


@pytest.fixture
def planted(workspace, store):
    """40 training, 6 validation and 6 test pictures of each of two classes. Training row 11 is a copy of row 4, row 12 of test row
    2, row 60 of validation row 9, row 50 (of the other class) of row 20, and row 30 is empty."""
    rng = np.random.default_rng(0)
    images = {
        split: np.stack([scene(rng, 0 if i < n // 2 else 160) for i in range(n)])
        for split, n in (("train", 80), ("test", 12), ("validation", 12))
    }
    train, test = images["train"], images["test"]
    train[11], train[12], train[50], train[30] = as_jpeg(train[4]), as_jpeg(test[2]), as_jpeg(train[20]), 77
    train[60] = as_jpeg(images["validation"][9])
    id = new_id("dataset")
    folder = workspace.dataset(id)
    folder.mkdir()
    items = []
    for split, n in (("train", 80), ("validation", 12), ("test", 12)):
        np.save(folder / f"{split}_images.npy", images[split])
        np.save(folder / f"{split}_labels.npy", np.repeat([0, 1], n // 2))
        items += [
            {"split": split, "row": i, "label": int(i >= n // 2), "name": f"{split}/{i}.png", "sha256": f"{split}{i}"}
            | {"width": 40 + i, "height": 50, "mode": "RGB"}
            for i in range(n)
        ]
    write_items(folder, items)
    facts = {"size": SIDE, "mode": "RGB", "fit": "crop", "train_counts": [40, 40], "test_counts": [6, 6], "seed": 0}
    facts["validation_counts"] = [6, 6]
    write_info(
        folder,
        DatasetInfo(
            name="Planted", classes=["dim", "light"], source={"kind": "zip", "test_split": "given"}, health={"images": 104},
            rejected=[], notices=[], **facts,
        ),
    )  # fmt: skip
    store.add_dataset(id, "Planted")
    return id


def carried_out(context, job):
    worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
    ended = context.store.job(job.id)
    assert ended.state == "finished", ended.error
    return ended.result


def copy(workspace, id: str, place: str, should_stop=lambda: False, **wanted):
    """curate straight into a folder of its own."""
    folder = workspace.root / place
    folder.mkdir()
    given = {"left_out": {}, "name": place, "source": {"kind": "curated"}} | wanted
    return folder, curate(workspace.dataset(id), folder, Curation(**given), Progress(should_stop=should_stop))


def test_a_look_finds_what_was_planted_and_leaves_the_pictures_alone(context, planted):
    folder = context.workspace.dataset(planted)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = carried_out(context, actions.inspect(context, planted))
    assert result["looked_at"] == result["of"] == 104
    found = {one.kind: one for one in findings.read(folder).findings}
    assert found["near_duplicates"].rows == [("train", 11)] and found["leaks"].rows == [("train", 12), ("train", 60)]
    assert sorted(found["conflicts"].rows) == [("train", 20), ("train", 50)]
    assert found["blank"].rows == [("train", 30)]
    places = sorted([(one.split, one.row) for one in pair] for pair in found["leaks"].shown)
    assert places == [[("train", 12), ("test", 2)], [("train", 60), ("validation", 9)]]
    assert found["leaks"].shown[0][0].name.endswith(".png")
    assert [one["kind"] for one in result["findings"]][:2] == ["leaks", "conflicts"]
    assert image_stats.read_means(folder, read_info(folder)).shape == (2, SIDE, SIDE, 3)
    assert all((folder / name).read_bytes() == content for name, content in before.items())
    again = (folder / "health.json").read_bytes()
    carried_out(context, actions.inspect(context, planted))
    assert (folder / "health.json").read_bytes() == again


def test_the_titles_say_that_not_all_were_compared(context, planted, monkeypatch):
    from gan_core.jobs.handlers import inspect

    monkeypatch.setattr(inspect, "MOST_COMPARED", 90)
    found = {one["kind"]: one["title"] for one in carried_out(context, actions.inspect(context, planted))["findings"]}
    among = [title for title in found.values() if title.endswith("(90 of 104 images compared)")]
    assert found["near_duplicates"] in among or found["leaks"] in among or found["conflicts"] in among
    assert "compared" not in found["blank"]  # that is looked at in all


def test_the_titles_say_that_there_were_too_many_pairs(context, planted, monkeypatch):
    from gan_core.dataset_health import duplicates_and_outliers

    monkeypatch.setattr(duplicates_and_outliers, "MOST_PAIRS", 2)
    found = [one["title"] for one in carried_out(context, actions.inspect(context, planted))["findings"]]
    assert sum(title.endswith("(the 2 nearest pairs)") for title in found) in (1, 2)


def test_leaving_out_is_a_list_that_can_be_undone(context, planted):
    folder = context.workspace.dataset(planted)
    with pytest.raises(UserError, match="not checked"):
        actions.exclude(context, planted, "blank")
    carried_out(context, actions.inspect(context, planted))
    first = actions.exclude(context, planted, "blank")
    with pytest.raises(UserError, match="excluded already"):
        actions.exclude(context, planted, "blank")
    second = actions.exclude(context, planted, rows=[("train", 30), ("test", 5)])
    assert second.rows == [("test", 5), ("train", 30)] and second.finding == "chosen"
    assert exclusions.by_finding(exclusions.read(folder)) == {"blank": [("train", 30)], "chosen": [("test", 5)]}
    actions.undo_exclusion(context, planted, first.id)
    with pytest.raises(UserError, match="undone already"):
        actions.undo_exclusion(context, planted, first.id)
    assert exclusions.left_out(exclusions.read(folder)) == {("test", 5), ("train", 30)}  # the other entry names it too
    for refused in ([("train", 80)], [("train", -1)], [("valid", 0)], []):
        with pytest.raises(UserError, match="no such image"):
            actions.exclude(context, planted, rows=refused)
    for kind in ("unheard-of", "rejected"):
        with pytest.raises(UserError):
            actions.exclude(context, planted, kind)


def test_keep_one_of_each_keeps_the_copy_of_a_picture_that_is_left_out_itself(context, planted):
    carried_out(context, actions.inspect(context, planted))
    found = {one.kind: one for one in findings.read(context.workspace.dataset(planted)).findings}
    assert found["near_duplicates"].rows == [("train", 11)]
    ((split, row),) = found["near_duplicates"].keeps
    actions.exclude(context, planted, rows=[(split, row)])
    with pytest.raises(UserError, match="no such image"):
        actions.exclude(context, planted, "near_duplicates")


def test_a_cleaned_dataset_keeps_what_its_pictures_were_padded_with(context, planted):
    carried_out(context, actions.inspect(context, planted))
    made = [
        carried_out(context, actions.curate(context, planted, exclude=["blank"], background=colour))["dataset"]
        for colour in ("", "#ff8800")
    ]
    sources = [read_info(context.workspace.dataset(id)).source for id in made]
    assert [source["background"] for source in sources] == ["white", "#ff8800"]
    assert [source["cut_out"] for source in sources] == [False, True]
    with pytest.raises(UserError, match="not a colour"):
        actions.curate(context, planted, background="orange")  # what the import and the detector do not know either


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 9}', '{"schema": 1, "entries": [{"id": 1}]}'])
def test_a_torn_list_is_an_empty_one(context, planted, text):
    folder = context.workspace.dataset(planted)
    (folder / "exclusions.json").write_text(text)
    assert exclusions.read(folder) == []
    actions.exclude(context, planted, rows=[("train", 1)])
    assert len(exclusions.read(folder)) == 1


def test_the_cleaned_dataset_is_a_new_one_that_repair_finds(context, planted):
    workspace = context.workspace
    carried_out(context, actions.inspect(context, planted))
    with pytest.raises(UserError, match="same as this one"):
        actions.curate(context, planted)
    actions.exclude(context, planted, "near_duplicates")
    actions.exclude(context, planted, "blank")
    actions.exclude(context, planted, rows=[("test", 0), ("train", 79)])
    job = actions.curate(context, planted, name="Clean")
    result = carried_out(context, job)
    folder, info = workspace.dataset(job.subject), read_info(workspace.dataset(job.subject))
    assert (info.name, info.train_counts, info.test_counts) == ("Clean", [38, 39], [5, 6]) and result["images"] == 100
    assert info.validation_counts == [6, 6] and len(load(folder, "validation").images) == 12
    assert info.source["parent"] == planted and info.source["test_split"] == "given"
    assert info.source["excluded"] == {"near_duplicates": 1, "blank": 1, "chosen": 2}
    assert info.health["images"] == 100 and info.health["classes"] == {"dim": 49, "light": 51}
    assert info.health["source_sizes"]["max"] == [118, 50]  # the widest was left out
    old, new = load(workspace.dataset(planted), "train"), load(folder, "train")
    rows = [row for row in range(80) if row not in (11, 30, 79)]
    assert np.array_equal(new.images, old.images[rows]) and np.array_equal(new.labels, old.labels[rows])
    items = list(read_items(folder))
    assert [item["row"] for item in items] == [*range(77), *range(12), *range(11)]
    assert items[11]["parent_row"] == 12 and items[11]["name"] == "train/12.png"
    assert len(list((folder / "contact").iterdir())) == 2
    assert read_info(workspace.dataset(planted)).train_counts == [40, 40]  # the parent is as it was
    (workspace.root / "ganvas.sqlite").unlink()
    store = Store(workspace)
    assert rebuild(store, workspace).datasets == 2 and store.dataset(job.subject).name == "Clean"


def test_a_class_that_is_left_out_whole_is_gone_and_the_labels_close_up(workspace, planted):
    left_out = {"chosen": [("train", row) for row in range(40)]}
    folder, info = copy(workspace, planted, "rest", left_out=left_out)
    assert info.classes == ["light"] and info.train_counts == [40] and info.test_counts == [6]
    assert not load(folder, "train").labels.any() and not load(folder, "test").labels.any()
    assert "No training image is left of dim" in " ".join(info.notices) and info.health["imbalance"] == 1
    with pytest.raises(UserError, match="no training image is left"):
        copy(workspace, planted, "none", left_out={"chosen": [("train", row) for row in range(80)]})


def discs(workspace, store, channels=3):
    """Ten discs on plain grounds and two empty pictures in each split."""
    id = new_id("dataset")
    folder = workspace.dataset(id)
    folder.mkdir()
    images = [disc(SIDE, centre=(0.4 + 0.02 * i, 0.5), channels=channels, seed=i)[0] for i in range(10)]
    images += [np.full((SIDE, SIDE, channels), 80, np.uint8)] * 2
    for split in ("train", "test"):
        np.save(folder / f"{split}_images.npy", np.stack(images))
        np.save(folder / f"{split}_labels.npy", np.repeat([0, 1], [6, 6]))
    facts = {"size": SIDE, "mode": "RGB" if channels == 3 else "L", "fit": "crop", "train_counts": [6, 6]}
    rest = {"test_counts": [6, 6], "seed": 0, "health": {}, "rejected": [], "notices": [], "source": {"kind": "zip"}}
    write_info(folder, DatasetInfo(name="Discs", classes=["a", "b"], **facts, **rest))
    store.add_dataset(id, "Discs")
    return id


@pytest.mark.parametrize(("channels", "level"), [(3, (255, 136, 0)), (1, (156,))])
def test_objects_are_laid_on_the_chosen_colour_in_both_splits(workspace, store, channels, level):
    id = discs(workspace, store, channels)
    folder, info = copy(workspace, id, "cut", background=(255, 136, 0))
    assert info.train_counts == info.test_counts == [6, 6]
    assert "No object was found in 4 of 24 images: they stayed" in info.notices[0]
    for split in ("train", "test"):
        before, after = load(workspace.dataset(id), split).images, load(folder, split).images
        assert (after[:10, 0, 0] == level).all() and (after[:10, -1, -1] == level).all()
        middle = before[4, SIDE // 2 - 1, SIDE // 2].astype(int)
        assert np.abs(after[4, SIDE // 2 - 1, SIDE // 2].astype(int) - middle).max() < 12
        assert np.array_equal(after[10:], before[10:])
    assert not list(folder.glob("*.tmp"))


def test_pictures_without_an_object_can_be_left_out(workspace, store):
    id = discs(workspace, store)
    folder, info = copy(workspace, id, "cut", background=(255, 255, 255), keep_without_object=False)
    assert info.train_counts == info.test_counts == [6, 4] and "left out" in info.notices[0]
    left = load(folder, "train").images
    assert left.shape == (10, SIDE, SIDE, 3) and (left[:, 0, 0] == 255).all()
    assert ((np.abs(left.astype(int) - RED).sum(-1) < 60).sum((1, 2)) > 80).all()
    assert (np.abs(left.astype(int) - BLUE).sum(-1) < 60).mean() < 0.01  # no seam of the old ground


@pytest.mark.parametrize("cluttered", [False, True])
def test_the_same_request_makes_the_same_bytes(workspace, store, monkeypatch, cluttered):
    """On a cluttered ground objects are cut out by GrabCut, which draws random numbers, in several threads at a time."""
    import cv2

    id = discs(workspace, store)
    if cluttered:
        rng = np.random.default_rng(0)
        for split in ("train", "test"):
            tiles = rng.choice([BLUE, (40, 160, 60), (90, 200, 90), (60, 90, 240)], (12, 8, 8))
            grounds = tiles.repeat(4, axis=1).repeat(4, axis=2)
            discs_ = np.stack(
                [
                    disc(SIDE, ground=ground, colour=(230, 60, 30), noise=8, seed=n)[0]
                    for n, ground in enumerate(grounds)
                ]
            )
            np.save(workspace.dataset(id) / f"{split}_images.npy", discs_)
    cuts, cut = [], cv2.grabCut
    monkeypatch.setattr(cv2, "grabCut", lambda *wanted: cuts.append(1) or cut(*wanted))
    one, two = (copy(workspace, id, name, name="x", background=(0, 0, 0))[0] for name in ("one", "two"))
    names = sorted(path.name for path in one.rglob("*") if path.is_file())
    assert names == sorted(path.name for path in two.rglob("*") if path.is_file()) and "train_images.npy" in names
    assert all(
        path.read_bytes() == (two / path.relative_to(one)).read_bytes() for path in one.rglob("*") if path.is_file()
    )
    assert len(cuts) == (48 if cluttered else 0)
    assert not np.array_equal(
        load(one, "train").images[0], load(workspace.dataset(id), "train").images[0]
    )  # it was cut


def test_stop_is_heard_and_leaves_nothing(context, planted):
    with pytest.raises(Stopped):
        copy(context.workspace, planted, "half", background=(0, 0, 0), should_stop=lambda: True)
    job = actions.curate(context, planted, background="black")
    watch = Watch(context.store, job)
    watch.stop = True
    assert worker.carry_out(context.store, context.workspace, job, watch) == "stopped"
    assert not list((context.workspace.root / "staging").iterdir()) and len(context.store.datasets()) == 1


def test_stop_is_heard_between_contact_sheets(context, planted, monkeypatch):
    from gan_core.data import import_report

    drawn, write = [], import_report.write_contact_sheet
    monkeypatch.setattr(import_report, "write_contact_sheet", lambda *wanted: drawn.append(1) or write(*wanted))
    with pytest.raises(Stopped):
        copy(context.workspace, planted, "half", should_stop=lambda: bool(drawn))
    assert len(drawn) == 1


def test_what_cannot_be_made_is_refused_before_it_is_queued(context, planted):
    with pytest.raises(UserError, match="not a colour"):
        actions.curate(context, planted, background="sort of blue")
    with pytest.raises(UserError, match="not checked"):
        actions.curate(context, planted, exclude=["blank"])
    actions.exclude(context, planted, rows=[("train", row) for row in range(80)])
    with pytest.raises(UserError, match="no training image is left"):
        actions.curate(context, planted)
    assert not context.store.jobs(kind="curate")


def test_on_the_command_line(ganvas, workspace, planted):
    code, text, _ = ganvas("inspect", planted)
    assert code == 0 and "near-duplicates" in text and "104 of 104 images" in text
    code, made, err = ganvas("curate", planted, "--exclude", "near-duplicates,leaks", "--background", "white", "--json")
    assert code == 0, err
    info = read_info(workspace.dataset(made["dataset"]))
    assert sum(info.train_counts) == 77 and info.source["background"] == "white" and info.name == "Planted, cut out"
    assert "note: Left out of the dataset" in err
    assert read_json(workspace.dataset(planted) / "exclusions.json") is None  # the page's own list is another matter
    code, _, err = ganvas("curate", planted, "--exclude", "typos")
    assert code == 2 and "no finding 'typos'" in err
    code, _, err = ganvas("curate", planted)
    assert code == 2 and "same as this one" in err
