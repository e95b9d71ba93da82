"""The command line end to end: every verb, exit codes, one sentence on stderr, JSON on the last line."""

import io
import json
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core import actions
from gan_core.cli import lookup
from gan_core.cli import runs as run_verbs
from gan_core.cli.common import Call
from gan_core.data.dataset import read_info
from gan_core.errors import FieldErrors
from gan_core.settings import recipes
from gan_core.storage.store import Store
from gan_core.storage.workspace import write_json
from gan_core.system.info import DEVICES_FILE
from tests.builders import seeded_workspace

pytestmark = pytest.mark.slow

TINY = ["--set", "width=16", "--set", "z_dim=8", "--set", "batch=16", "--device", "cpu"]


def class_zip(path, classes, side=40, extra=()):
    """A zip of colour noise pictures: {class: count}; extra: (name, bytes)."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, count) in enumerate(classes.items()):
            for i in range(count):
                picture, file = (
                    rng.integers(0, 60, (side, side, 3), np.uint8) + np.uint8(60 * number % 190),
                    io.BytesIO(),
                )
                Image.fromarray(picture.astype(np.uint8)).save(file, "PNG")
                archive.writestr(f"{name}/{i}.png", file.getvalue())
        for name, content in extra:
            archive.writestr(name, content)
    return path


def refused(result, *words):
    """Exit 2, nothing on stdout, one line on stderr that says what and what to do."""
    code, value, err = result
    told = [line for line in err.splitlines() if line.startswith("ganvas: ")]
    assert code == 2 and value is None, err
    assert len(told) == 1 and "Traceback" not in err and re.search(r"[.?] [A-Z0-9]", told[0]), err
    assert all(word in told[0] for word in words), told[0]


def nothing_left(workspace):
    return not any(any((workspace.root / name).iterdir()) for name in ("datasets", "staging"))


def test_from_a_zip_to_a_balanced_zip(ganvas, workspace, tmp_path):
    source = class_zip(tmp_path / "in.zip", {"rare": 20, "common": 40})
    code, imported, _ = ganvas("import", source, "--size", 28, "--json")
    assert code == 0 and imported["images"] == 60 and imported["classes"] == {"common": 40, "rare": 20}
    code, trained, err = ganvas("train", imported["dataset"], "--recipe", "quick", "--epochs", 2, *TINY, "--json")
    assert code == 0, err
    assert trained["state"] == "finished" and trained["images_seen"] >= 84
    run = trained["run"]
    code, shown, _ = ganvas("show", run, "--json")
    assert shown["kind"] == "run" and shown["state"] == "finished" and shown["images_seen"] == trained["images_seen"]
    assert ganvas("runs", "--json")[1]["runs"][0]["id"] == run
    assert ganvas("datasets", "--json")[1]["datasets"][0]["id"] == imported["dataset"]
    code, sampled, _ = ganvas("sample", run, "--per-class", 3, "--class", "rare", "--out", tmp_path / "drawn", "--json")
    assert code == 0 and sampled["files"] == 3 and len(list((tmp_path / "drawn" / "rare").glob("*.png"))) == 3
    code, scores, _ = ganvas("evaluate", run, "--samples", 24, "--extractor", "efficientnet-lite0", "--json")
    assert code == 0 and scores["extractor"] == "efficientnet-lite0" and "fid" not in scores and scores["n_fake"] == 24
    assert scores["frechet_distance"] > 0 and scores["floor"]["n"] > 0
    out = tmp_path / "out.zip"
    refused = ganvas("export", run, "--balance", "largest", "--out", out, "--json")
    assert refused[0] == 2 and "No drawn image passed the checks" in refused[2] and not out.exists()
    wanted = ("--balance", "largest", "--checks", "copy,twin", "--out", out, "--json")
    code, exported, err = ganvas("export", run, *wanted)
    assert code == 0, err
    assert " images kept" in exported["gate_said"]
    assert code == 0 and exported["bytes"] == out.stat().st_size
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
    assert sum(n.startswith("train/rare/") for n in names) == sum(n.startswith("train/common/") for n in names) == 29
    assert {"train/metadata.csv", "test/metadata.csv", "manifest.json", "README.md"} <= set(names)


def test_stop_keeps_and_resume_goes_on(ganvas, workspace, toy_dataset):
    code, queued, _ = ganvas("train", toy_dataset, "--minutes", 5, *TINY, "--detach", "--json")
    assert code == 0 and queued["state"] in ("queued", "running")
    store, run = Store(workspace), queued["run"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (workspace.run(run) / "metrics.jsonl").exists():
        time.sleep(0.2)
    assert ganvas("show", run, "--json")[1]["pid"]
    started = time.monotonic()
    code, stopped, _ = ganvas("stop", run, "--json")
    assert code == 0 and stopped["state"] == "stopped" and time.monotonic() - started < 5
    seen = ganvas("show", run, "--json")[1]["images_seen"]
    assert seen > 0 and list((workspace.run(run) / "checkpoints").glob("*.pt"))
    refused(ganvas("stop", run), "not training")
    refused(ganvas("pause", run), "not training")
    with store.transaction() as db:  # so that the resumed run is short
        config = json.loads(db.execute("SELECT config FROM runs").fetchone()[0])
        config["minutes"] = None
        config["epochs"] = (seen + 200) / 60
        db.execute("UPDATE runs SET config = ?", (json.dumps(config),))
    code, resumed, _ = ganvas("resume", run, "--json")
    assert code == 0 and resumed["state"] == "finished" and resumed["images_seen"] >= seen + 190
    refused(ganvas("resume", run), "more epochs")


def test_the_generator_in_each_format(ganvas, workspace, toy_dataset, tmp_path):
    run = ganvas("train", toy_dataset, "--epochs", 1, *TINY, "--json")[1]["run"]
    refused(ganvas("export-model", run, "--out", tmp_path / "g.onnx", "--format", "pickle"), "Choose one of")
    refused(ganvas("export-model", run, "--out", tmp_path / "g.json", "--format", "safetensors"), "one file")
    refused(ganvas("export-model", run, "--out", tmp_path), "folder")
    for format, name, first in (
        ("zip", "g.zip", b"PK"),
        ("onnx", "g.onnx", b""),
        ("safetensors", "w.safetensors", b""),
    ):
        code, value, err = ganvas("export-model", run, "--out", tmp_path / name, "--format", format, "--json")
        assert code == 0 and value["onnx"] == "written", err
        assert (tmp_path / name).read_bytes().startswith(first) and (tmp_path / name).stat().st_size > 1000
    assert json.loads((tmp_path / "w.json").read_text())["classes"] == ["dark", "grey", "bright"]
    assert sorted(path.name for path in tmp_path.glob("[gw].*")) == ["g.onnx", "g.zip", "w.json", "w.safetensors"]
    (workspace.root / "ganvas.sqlite").unlink()
    assert ganvas("repair", "--json")[1]["exports"] == 3
    assert {job.kind for job in Store(workspace).jobs() if job.subject.startswith("e")} == {"export_model"}


def test_repair_finds_everything_again(ganvas, workspace, toy_dataset):
    run = ganvas("train", toy_dataset, "--epochs", 1, *TINY, "--json")[1]["run"]
    (workspace.root / "ganvas.sqlite").unlink()
    assert [row["id"] for row in ganvas("runs", "--json")[1]["runs"]] == [run]  # the index is rebuilt by itself
    code, counts, _ = ganvas("repair", "--json")
    assert code == 0 and counts == {"datasets": 1, "runs": 1, "exports": 0, "unreadable": []}
    assert ganvas("show", run, "--json")[1]["state"] == "finished"
    assert ganvas("datasets", "--json")[1]["datasets"][0]["id"] == toy_dataset


@pytest.mark.parametrize(
    "words, said",
    [
        (("--set", "lr_G=NaN"), "finite"),
        (("--set", "batch=1000"), "larger than the 60 training images"),
        (("--set", "bacth=8"), "did you mean 'batch'"),
        (("--set", "batch"), "key=value"),
        (("--recipe", "best-ever"), "Choose auto or one of"),
        (("--epochs", "-1"), "above 0"),
        (("--recipe", "fashion-dcgan-28"), "28 px"),
    ],
)
def test_settings_that_make_no_sense(ganvas, workspace, toy_dataset, words, said):
    refused(ganvas("train", toy_dataset, *words), said)
    assert not list((workspace.root / "runs").iterdir())


def test_a_class_too_small_for_labels(ganvas, tmp_path, workspace):
    source = class_zip(tmp_path / "in.zip", {"tiny": 3, "big": 30})
    code, imported, err = ganvas("import", source, "--json")
    assert code == 0 and "tiny" in err
    refused(ganvas("train", imported["dataset"], "--epochs", 1), "'tiny' has fewer than 5")
    code, trained, _ = ganvas(
        "train", imported["dataset"], "--epochs", 1, "--set", "conditional=false", *TINY, "--json"
    )
    assert code == 0
    refused(ganvas("export", trained["run"], "--balance", 60, "--out", tmp_path / "o.zip"), "ignored the labels")
    out = tmp_path / "copies.zip"  # the tiny class alone needs no generator
    code, exported, _ = ganvas("export", trained["run"], "--out", out, "--json")
    assert code == 0 and exported["too_small_for_gan"] == ["tiny"] and exported["methods"]["gan"] == 0


def test_one_class_is_a_set_without_labels(ganvas, tmp_path):
    code, imported, err = ganvas("import", class_zip(tmp_path / "in.zip", {"only": 30}), "--json")
    assert code == 0 and "nly one class" in err
    code, trained, _ = ganvas("train", imported["dataset"], "--epochs", 1, *TINY, "--json")
    assert code == 0
    refused(ganvas("export", trained["run"], "--balance", "largest", "--out", tmp_path / "o.zip"))
    assert ganvas("export", trained["run"], "--balance", "40", "--out", tmp_path / "o.zip")[0] == 0


@pytest.mark.parametrize(
    "name, content",
    [
        ("empty.zip", None),
        ("flat.zip", {"": 5}),
        ("text.zip", b"not a zip"),
        ("climb.zip", "../x"),
    ],
)
def test_an_archive_that_cannot_be_used(ganvas, workspace, tmp_path, name, content):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        class_zip(path, {"a": 6, "b": 6}, extra=[(content, b"x")])
    else:
        class_zip(path, content or {})
    refused(ganvas("import", path))
    assert nothing_left(workspace)


def test_bad_pictures_are_listed_and_never_fatal(ganvas, tmp_path):
    jpeg = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)).save(jpeg, "JPEG")
    source = class_zip(
        tmp_path / "in.zip",
        {"a": 8, "<script>alert(1)</script>": 8},
        extra=[("a/text.png", b"hello"), ("a/cut.jpg", jpeg.getvalue()[:900])],
    )
    code, imported, _ = ganvas("import", source, "--json")
    assert code == 0 and imported["images"] == 16
    assert {entry["file"] for entry in imported["rejected"]} == {"a/text.png", "a/cut.jpg"}
    assert any("script" in name for name in imported["classes"])


def test_unknown_things(ganvas, tmp_path):
    refused(ganvas("show", "r0000000000000000"), "no such run")
    refused(ganvas("train", "../../etc"), "no such dataset")
    refused(ganvas("import", tmp_path / "absent.zip"), "no file or folder")
    refused(ganvas("import", "demo:unicorns"), "digits")
    refused(ganvas("evaluate", "r0000000000000000"), "no such run")
    refused(ganvas("import", tmp_path, "--size", 33), "28")


def test_a_folder_can_be_imported_and_is_left_alone(ganvas, tmp_path):
    with zipfile.ZipFile(class_zip(tmp_path / "in.zip", {"a": 6, "b": 6})) as archive:
        for name in archive.namelist():
            (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "folder" / name).write_bytes(archive.read(name))
    code, imported, _ = ganvas("import", tmp_path / "folder", "--json")
    assert code == 0 and imported["images"] == 12
    assert len(list((tmp_path / "folder").rglob("*.png"))) == 12


def test_the_module_runs_as_a_program(workspace):
    done = subprocess.run(
        [sys.executable, "-m", "gan_core", "--workspace", str(workspace.root), "recipes", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"quick", "fashion-dcgan-28"} <= {r["name"] for r in json.loads(done.stdout.splitlines()[-1])["recipes"]}
    done = subprocess.run(
        [sys.executable, "-m", "gan_core", "--workspace", str(workspace.root), "show", "r0000000000000000"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_the_rest_of_bad_requests(ganvas, workspace, toy_dataset, tmp_path):
    run = ganvas("train", toy_dataset, "--epochs", 1, *TINY, "--json")[1]["run"]
    refused(ganvas("train", toy_dataset, "--set", "recipe=nope"), "--recipe")
    refused(ganvas("train", toy_dataset, "--set", "batch=" + "9" * 5000))
    refused(ganvas("train", toy_dataset, "--minutes", "nan"), "finite")
    refused(ganvas("import", "demo:digits", "--seed", -1), "seed")
    refused(ganvas("import", "demo:digits", "--test-fraction", 0.8), "0.5")
    refused(ganvas("import", ""), "path")
    refused(ganvas("import", "x" * 6000), "no file or folder")
    refused(ganvas("evaluate", run, "--seed", -1), "seed")
    refused(ganvas("evaluate", run, "--samples", 3_000_000_000), "at most 100000")
    refused(ganvas("evaluate", run, "--at", 12), "no checkpoint at 12 images")
    refused(ganvas("evaluate", run, "--extractor", "efficientnet-lite0", "--weights", __file__), "own weights")
    refused(ganvas("export", run, "--balance", 40, "--out", tmp_path), "is a folder")
    refused(ganvas("export", run, "--balance", 40, "--out", tmp_path / "no" / "x.zip"), "no folder")
    refused(ganvas("sample", run, "--per-class", 2, "--out", __file__), "folder")
    refused(ganvas("demo", "--out", tmp_path / "no" / "x.zip"), "no folder")
    refused(ganvas("demo", "--minutes", "nan"), "finite")
    assert len(Store(workspace).datasets()) == 1


def test_without_originals_every_class_is_whole_and_synthetic(ganvas, toy_dataset, tmp_path):
    run = ganvas("train", toy_dataset, "--epochs", 1, *TINY, "--json")[1]["run"]
    code, exported, _ = ganvas(
        "export",
        run,
        "--balance",
        "largest",
        "--no-originals",
        "--checks",
        "none",
        "--out",
        tmp_path / "o.zip",
        "--json",
    )
    assert code == 0 and exported["gate"]["checks"] == []
    assert exported["per_class"] == {name: {"real": 0, "synthetic": 20} for name in ("dark", "grey", "bright")}


def test_the_auto_recipe_says_why_and_can_be_overruled(ganvas, toy_dataset):
    code, trained, said = ganvas(
        "train", toy_dataset, "--recipe", "auto", "--device", "cpu", "--epochs", 1, *TINY, "--json"
    )
    assert code == 0 and trained["recipe"] == "quick" and trained["reasons"] and trained["images_seen"] >= 60
    assert all(reason in said for reason in trained["reasons"])
    config = ganvas("show", trained["run"], "--json")[1]["config"]
    assert config["label_full"] == 0.5 and config["epochs"] == 1 and config["width"] == 16


def test_a_run_starts_from_another_one(ganvas, toy_dataset):
    run = ganvas("train", toy_dataset, "--epochs", 1, *TINY, "--json")[1]["run"]
    words = ("train", toy_dataset, "--epochs", 1, *TINY, "--start-from", run)
    assert ganvas(*words, "--set", "freeze_d=1", "--json")[0] == 0
    refused(ganvas(*words, "--set", "width=32"), "network width 16 instead of 32")
    refused(ganvas(*words[:-1], "r" + "0" * 16), "no such run")


def test_variants_of_real_images(ganvas, toy_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("gan_core.generation.inversion.STEPS", 5)
    run = ganvas("train", toy_dataset, "--epochs", 1, *TINY, "--json")[1]["run"]
    words = ("sample", run, "--per-class", 3, "--out", tmp_path / "out", "--from-images")
    code, fused, _ = ganvas(*words, "--class", "grey", "--strength", 0.2, "--json")
    assert code == 0 and fused["files"] == 3 and 0 < fused["classes"]["grey"]["error"] < 1
    assert len(list((tmp_path / "out" / "grey").iterdir())) == 3
    refused(ganvas(*words, "--strength", 2), "at most 1")
    refused(ganvas(*words, "--class", "purple", "--force"), "no class 'purple'")


def test_inception_scores_from_a_file_that_the_user_names(ganvas, toy_dataset, untrained_file):
    """FID and Inception Score through the command line, on random weights of the right shape, said to be unofficial."""
    run = ganvas("train", toy_dataset, "--epochs", 1, *TINY, "--json")[1]["run"]
    code, scores, err = ganvas(
        "evaluate",
        run,
        "--samples",
        12,
        "--draws",
        1,
        "--extractor",
        "inception-v3",
        "--weights",
        untrained_file[0],
        "--json",
    )
    assert code == 0, err
    assert scores["extractor"] == "inception-v3" and scores["fid"] is not None and "frechet_distance" not in scores
    assert scores["labels"]["fid"].startswith("FID") and scores["n_fake"] == 12


def test_the_demo_knows_how_many_digits_there_are_to_train_on(ganvas, workspace):
    code, imported, _ = ganvas("import", actions.DEMO_IMPORT.source, "--size", actions.DEMO_IMPORT.size, "--json")
    info = read_info(workspace.dataset(imported["dataset"]))
    assert code == 0 and sum(info.train_counts) == actions.DEMO_TRAIN_IMAGES
    assert max(info.train_counts) < actions.DEMO_TOTAL


def test_import_takes_its_choices_and_an_earlier_source(ganvas, workspace, tmp_path):
    names = {f"{split}/{name}": 6 for split in ("train", "val", "test") for name in ("a", "b")}
    source = class_zip(tmp_path / "in.zip", names, extra=[("readme.txt", b"text")])
    code, imported, err = ganvas("import", source, "--split", "given+validation", "--background", "#102030", "--json")
    info = read_info(workspace.dataset(imported["dataset"]))
    assert code == 0 and info.counts == {"train": [6, 6], "validation": [6, 6], "test": [6, 6]}, err
    assert info.source["choices"] == {"split": "given", "level": "auto", "loose": "skip"}  # as of an older Ganvas
    assert info.source["background"] == "#102030"
    code, again, err = ganvas("import", f"again:{imported['dataset']}", "--split", "pool", "--size", 28, "--json")
    assert code == 0 and sum(again["classes"].values()) == 36, err
    assert read_info(workspace.dataset(again["dataset"])).source["test_split"] == "cut"
    earlier = ("--size", 64, "--fit", "pad", "--mode", "RGB", "--seed", 7, "--test-fraction", 0.3, "--loose", "class")
    code, first, err = ganvas("import", source, *earlier, "--split", "pool", "--background", "#102030", "--json")
    assert code == 0, err
    earlier, first = first["dataset"], read_info(workspace.dataset(first["dataset"]))
    code, again, err = ganvas("import", f"again:{imported['dataset']}", "--json")  # nothing said: as it was
    assert code == 0 and read_info(workspace.dataset(again["dataset"])) == info, err
    code, again, err = ganvas("import", f"again:{earlier}", "--level", "last", "--json")
    second = read_info(workspace.dataset(again["dataset"]))
    assert code == 0 and second.source["choices"] == {"split": "pool", "level": "last", "loose": "class"}, err
    assert second.source | {"choices": first.source["choices"]} == first.source and first.source["test_fraction"] == 0.3
    assert (second.size, second.fit, second.mode, second.seed) == (64, "pad", "RGB", 7)
    assert second.train_counts == first.train_counts
    for option in ("--split", "--level", "--loose", "--background"):
        refused(ganvas("import", source, option, "pink"), "pink")
    source.unlink()
    refused(ganvas("import", f"again:{imported['dataset']}"), "not there any more")


def test_a_name_or_the_start_of_an_id_will_do(ganvas, context):
    seeded_workspace.seed(context.workspace.root)
    run, other = seeded_workspace.RUNS["finished"], seeded_workspace.RUNS["failed"]
    assert ganvas("rename", run, "Kiwis", "--json")[0] == 0
    assert ganvas("show", "Kiwis", "--json")[1]["id"] == run
    assert ganvas("rename", "Kiwis", "More kiwis", "--json")[1] == {"run": run, "name": "More kiwis"}
    context.store.add_run("rab12" + "0" * 12, "Other", context.store.datasets()[0].id, {})
    assert lookup.find_id("rab1", context.store.runs()) == "rab12" + "0" * 12
    refused(ganvas("stop", run[:-1]), "different ones", run, other)
    assert ganvas("show", context.store.datasets()[0].name, "--json")[1]["kind"] == "dataset"
    refused(ganvas("show", "Ki"), "There is no such")


def test_a_name_that_several_have_is_never_guessed(ganvas, context):
    seeded_workspace.seed(context.workspace.root)
    run, other = seeded_workspace.RUNS["finished"], seeded_workspace.RUNS["failed"]
    for one in (run, other):
        ganvas("rename", one, "Twins")
    refused(ganvas("delete", "Twins"), "2 different ones", run, other)
    assert {run, other} <= {one.id for one in context.store.runs()}
    ganvas("rename", other, run)  # a name that is another's id
    ganvas("delete", run)
    assert run not in {one.id for one in context.store.runs()} and context.store.run(other).name == run
    refused(ganvas("delete", run), "was deleted")
    assert context.store.run(other).name == run


@pytest.mark.parametrize(
    "words",
    [
        ["show", "Twins"],
        ["stop", "Twins"],
        ["pause", "Twins"],
        ["resume", "Twins"],
        ["rename", "Twins", "Other"],
        ["sample", "Twins", "--per-class", "1", "--out", "x"],
        ["walk", "Twins", "--out", "x.webp"],
        ["timelapse", "Twins", "--out", "x.gif"],
        ["evaluate", "Twins"],
        ["utility", "Twins"],
        ["detect", "Twins", "x"],
        ["export", "Twins", "--out", "x.zip"],
        ["export-model", "Twins", "--out", "x.zip"],
        ["train", seeded_workspace.DATASET, "--start-from", "Twins"],
        ["train", seeded_workspace.DATASET, "--set", "start_from=Twins"],
        ["train", "Twin sets"],
        ["inspect", "Twin sets"],
        ["curate", "Twin sets"],
        ["import", "again:Twin sets"],
    ],
    ids=" ".join,
)
def test_every_verb_takes_names(ganvas, context, words):
    seeded_workspace.seed_dataset(context.workspace, context.store)
    for number in "12":
        context.store.add_run("r" + number * 16, "Twins", seeded_workspace.DATASET, {})
        context.store.add_dataset("d" + number * 16, "Twin sets")
    refused(ganvas(*words), "2 different ones")


def test_a_file_of_weights_is_named_by_its_whole_path_and_must_be_there(ganvas, context, tmp_path, monkeypatch):
    seeded_workspace.seed_dataset(context.workspace, context.store)
    monkeypatch.chdir(tmp_path)
    refused(ganvas("train", seeded_workspace.DATASET, "--start-from", "none.pkl"), str(tmp_path / "none.pkl"))
    assert run_verbs.start_of("~/some.pkl") == str(Path("~/some.pkl").expanduser())
    (tmp_path / "some.pkl").touch()  # a worker would look for it in another folder
    info = read_info(context.workspace.dataset(seeded_workspace.DATASET))
    with pytest.raises(FieldErrors) as error:
        actions.check_start(
            context, info, recipes.RECIPES["quick"].config.model_copy(update={"start_from": "some.pkl"})
        )
    assert "absolute path" in error.value.fields["start_from"]


@pytest.mark.parametrize("gpus, wanted, where", [(2, "auto", "cuda"), (2, "cpu", "cpu"), (0, "auto", "cpu")])
def test_torch_is_not_asked_for_gpus_that_a_worker_found(ganvas, context, monkeypatch, gpus, wanted, where):
    """It would bind the process to all of them before the queue gives it one."""
    write_json(context.workspace.root / DEVICES_FILE, {"looked_at": 0.0, "gpus": [{"name": "GPU"}] * gpus})
    monkeypatch.setattr(Call, "workspace", context.workspace, raising=False)
    monkeypatch.setattr(Call, "store", context.store, raising=False)
    asked = []
    choose = lambda name: asked.append(name) or torch.device("cpu")
    monkeypatch.setattr("gan_core.training.device.choose", choose)
    assert run_verbs.device_of(wanted) == where and bool(asked) == (where == "cpu")


def test_runs_are_deleted_and_brought_back_by_name(ganvas, context):
    seeded_workspace.seed(context.workspace.root)
    run = seeded_workspace.RUNS["finished"]
    ganvas("rename", run, "Kiwis")
    assert ganvas("delete", "Kiwis", run, "--json")[1]["runs"] == [run]
    assert ganvas("undelete", "Kiwis", "--json")[1]["runs"] == {run: "Kiwis"}
    assert context.store.run(run).name == "Kiwis"
