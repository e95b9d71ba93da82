"""What several tests need: one thread, a fresh workspace, tiny datasets."""

import json
import os
import sys

os.environ["GANVAS_THREADS"] = "1"  # tests run beside each other; before anything reads it
os.environ["OMP_NUM_THREADS"] = "1"  # the same for torch and scikit-learn; torch is imported only where a test needs it

import numpy as np
import pytest

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo, write_info
from gan_core.jobs import supervisor
from gan_core.settings.families import TRAITS
from gan_core.settings.schema import TrainConfig, build
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, new_id
from tests.builders import seeded_workspace
from tests.builders.toy_images import toy_images

# What is true of the training of every family is checked with this one by make check, and with all of them by make test.
FAMILY_OF_EVERY_CHECK = "r3lite"


def pytest_collection_modifyitems(config, items):
    """Training tests of every other family are slow, whatever else they are about; long forms run where they are asked for."""
    if "hold" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("hold")])
        items[:] = [item for item in items if not item.get_closest_marker("hold")]
    for item in items:
        values = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if "training" in item.path.parts and (set(TRAITS) - {FAMILY_OF_EVERY_CHECK}) & set(map(str, values)):
            item.add_marker("slow")


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "ws")


@pytest.fixture
def store(workspace):
    return Store(workspace)


@pytest.fixture
def context(store, workspace):
    """A context whose jobs the test carries out itself."""
    return Context(store, workspace, in_this_process=True)


@pytest.fixture
def toy_dataset(workspace, store):
    """The id of a dataset of 60 training, 12 validation and 12 test images of 32 px in three classes."""
    id = new_id("dataset")
    folder = workspace.dataset(id)
    folder.mkdir()
    classes = ["dark", "grey", "bright"]
    for split, count in (("train", 60), ("validation", 12), ("test", 12)):
        images, labels = toy_images(count, 32, 1, 3, seed=len(split))
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", labels)
    write_info(
        folder,
        DatasetInfo(
            name="Tones",
            size=32,
            mode="L",
            fit="crop",
            classes=classes,
            train_counts=[20, 20, 20],
            validation_counts=[4, 4, 4],
            test_counts=[4, 4, 4],
            source={"kind": "test"},
            seed=0,
            health={"images": 84},
            rejected=[],
            notices=[],
        ),
    )
    store.add_dataset(id, "Tones")
    return id


NARROWER = {
    "garbage128": {"width": 4},  # two convolutions of 2 * width channels at 128 px
    "cyclegan": {"width": 8},  # three passes of a deep G
    "egan": {"width": 8},  # four steps of G in one
}


@pytest.fixture
def tiny():
    """tiny(recipe, **changes): a recipe shrunk until a step takes milliseconds. A family that is not the recipe's own comes with
    settings that it can be told."""
    from gan_core.settings.families import TRAITS
    from gan_core.settings.recipes import RECIPES

    def shrink(recipe: str = "quick", **changes) -> TrainConfig:
        small = {"width": 16, "z_dim": 8, "batch": 16, "device": "cpu", "precision": "fp32", "guide": False}
        small |= NARROWER.get(changes.get("family", ""), {})
        values = {**RECIPES[recipe].config.model_dump(), **small}
        if (facts := TRAITS[changes.get("family", values["family"])]) is not TRAITS[values["family"]]:
            values["condition"] = facts.conditions[0]
            values["loss"] = values["loss"] if values["loss"] in facts.losses else (*facts.losses, "nonsaturating")[0]
            values["penalty"] = values["penalty"] if facts.per_image else "none"
        return build({**values, **changes})

    return shrink


@pytest.fixture(scope="session")
def untrained_file(tmp_path_factory):
    """A weights file of the right keys and shapes, and the network it was saved from."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Untrained(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_):
            """Keep the random weights of the layers."""

    folder = tmp_path_factory.mktemp("weights")
    torch.save({}, folder / "nothing.pth")
    torch.manual_seed(0)
    network = Untrained("inception-v3-compat", ["2048", "logits_unbiased"], str(folder / "nothing.pth"))
    torch.save(network.state_dict(), folder / "own.pth")
    return folder / "own.pth", network


@pytest.fixture(autouse=True)
def ordinary_floats():
    """Training flushes denormals process-wide; the next test gets ordinary numbers again."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(autouse=True)
def same_main():
    """Streamlit's AppTest leaves the page as __main__, which a spawned process would then run."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture
def ganvas(workspace, monkeypatch, capsys):
    """ganvas(*words) -> (exit code, the last line's object with --json else what was printed, stderr), in this process."""
    from gan_core import __main__ as cli

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["ganvas", "--workspace", str(workspace.root), *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        lines = out.strip().splitlines()
        value = json.loads(lines[-1]) if "--json" in words and lines else out or None
        return code, value, err

    return call


@pytest.fixture
def started(monkeypatch):
    """The worker starts that were asked for."""
    calls = []
    monkeypatch.setattr(supervisor, "ensure_workers", lambda store, workspace: calls.append(workspace.root))
    return calls


@pytest.fixture
def empty(tmp_path, monkeypatch, started) -> Workspace:
    monkeypatch.setenv("GANVAS_WORKSPACE", str(tmp_path))
    return Workspace(tmp_path)


@pytest.fixture
def full(empty) -> Workspace:
    """A workspace with a run in every state."""
    return seeded_workspace.seed(empty.root)
