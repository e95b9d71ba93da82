"""Training speed against a textbook PyTorch loop: same networks, batch, loss and images, one run, one machine.

    python benchmarks/train_speed.py [--workspace DIR DATASET] [--recipe quick] [--images 30000] [--seeds 2]

The textbook loop is what a tutorial would write: float32, contiguous memory, a DataLoader that decodes PNG files, reals and
fakes through D separately, R1 and R2 by two gradients, `.item()` of both losses at each step. Ours is the whole of
training.loop.train, with its grids, metrics and checkpoints. After the same number of images both get the kernel distance on
EfficientNet-Lite0 (2,000 a side), which must agree within the seeds. Neither D is guided by a classifier. Without a dataset the
handwritten digits are imported.
Goal: 1.5 on two CPU cores, 3 on a GPU.
"""

import argparse
import copy
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import softplus
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import ImageSet
from gan_core.evaluation.features.extractors import load_efficientnet_lite0
from gan_core.evaluation.scores.kid import kernel_distance
from gan_core.generation.sampling import draw, load_generator
from gan_core.models import FAMILIES, Spec
from gan_core.settings import recipes
from gan_core.settings.families import inner_size
from gan_core.settings.schema import TrainConfig
from gan_core.training import checkpoint, device, loop
from gan_core.training.hooks import Hooks

ROOT = Path(__file__).parent.parent
SAMPLES = 2000
GOAL = {"cpu": 1.5, "cuda": 3.0}


def textbook(
    config: TrainConfig, folder: Path, channels: int, classes: int, size: int, images: int, where: torch.device
):
    """(averaged G, seconds). Written as a tutorial would, on purpose; the relativistic loss with R1 and R2 of `quick`."""
    edge = (inner_size(config.family, size) - size) // 2
    steps = [transforms.Grayscale()] if channels == 1 else []
    steps += [transforms.Pad(edge, padding_mode="edge"), transforms.ToTensor(), transforms.Normalize([0.5], [0.5])]
    data = datasets.ImageFolder(str(folder), transforms.Compose(steps))
    loader = DataLoader(data, config.batch, shuffle=True, drop_last=True, num_workers=2)
    torch.manual_seed(config.seed)
    spec = Spec.of(config, size=size, channels=channels, num_classes=classes)
    G, D = FAMILIES[config.family].Generator(spec).to(where), FAMILIES[config.family].Discriminator(spec).to(where)
    average = copy.deepcopy(G).eval()
    betas = (config.beta1, config.beta2)
    opt_G = torch.optim.Adam(G.parameters(), config.lr_G, betas)
    opt_D = torch.optim.Adam(D.parameters(), config.lr_D, betas)
    seen, started = 0, time.monotonic()
    while seen < images:
        for real, y in loader:
            real, y = real.to(where), y.to(where)
            with torch.no_grad():
                fake = G(torch.randn(len(real), config.z_dim, device=where), y)
            real.requires_grad_(True)
            fake.requires_grad_(True)
            real_logits, fake_logits = D(real, y), D(fake, y)
            r1 = torch.autograd.grad(real_logits.sum(), real, create_graph=True)[0].square().sum([1, 2, 3]).mean()
            r2 = torch.autograd.grad(fake_logits.sum(), fake, create_graph=True)[0].square().sum([1, 2, 3]).mean()
            loss_D = softplus(fake_logits - real_logits).mean() + config.gamma / 2 * (r1 + r2)
            opt_D.zero_grad()
            loss_D.backward()
            opt_D.step()
            fake = G(torch.randn(len(real), config.z_dim, device=where), y)
            loss_G = softplus(D(real.detach(), y).detach() - D(fake, y)).mean()
            opt_G.zero_grad()
            loss_G.backward()
            opt_G.step()
            keep = 0.5 ** (len(real) / min(config.ema_images, 0.05 * (seen + len(real))))  # the same average as ours
            with torch.no_grad():
                for a, b in zip(average.parameters(), G.parameters(), strict=True):
                    a.mul_(keep).add_(b, alpha=1 - keep)
                for a, b in zip(average.buffers(), G.buffers(), strict=True):
                    a.copy_(b)
            loss_D.item(), loss_G.item()
            seen += len(real)
            if seen >= images:
                break
    return average, time.monotonic() - started


def ours(config: TrainConfig, data: ImageSet, folder: Path, where: torch.device):
    """(averaged G, seconds) of the loop that the app runs."""
    folder.mkdir()
    started = time.monotonic()
    loop.train(config, data, folder, Hooks(log=lambda _: None))
    seconds = time.monotonic() - started
    weights, _, _ = checkpoint.generator_weights(folder / "checkpoints")
    size, channels = data.images.shape[1], data.images.shape[3]
    facts = {"size": size, "channels": channels, "num_classes": len(data.classes)}
    return load_generator(config, weights, **facts, device=where), seconds


def write_pngs(data: ImageSet, folder: Path) -> None:
    for number, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        path = folder / f"{label:04d}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(image).squeeze(-1) if image.shape[-1] == 1 else np.asarray(image)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?")
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--images", type=int, default=30_000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        workspace, dataset = arguments.workspace, arguments.dataset
        if dataset is None:
            workspace = root / "workspace"
            command = [sys.executable, "-m", "gan_core", "--workspace", str(workspace)]
            command += ["import", "demo:digits", "--size", "32", "--json"]
            done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            dataset = json.loads(done.stdout.splitlines()[-1])["dataset"]
        data = dataset_folder.load(workspace / "datasets" / dataset, "train")
        write_pngs(data, root / "png")
        size, channels, classes = data.images.shape[1], data.images.shape[3], len(data.classes)
        where = device.choose(arguments.device)
        device.prepare(where)
        network = load_efficientnet_lite0()
        rows = np.random.default_rng(0).permutation(len(data.images))[:SAMPLES]
        real = network.extract(np.asarray(data.images[np.sort(rows)]), where.type).features
        labels = torch.from_numpy(np.asarray(data.labels)[np.sort(rows)].astype(np.int64))

        def kid(G) -> float:
            fake = draw(G.eval(), labels, z_dim=base.z_dim, size=size, seed=1)
            return kernel_distance(real, network.extract(fake, where.type).features, seed=0)["kid"]

        start = recipes.start(arguments.recipe, size=size, train_images=len(data.images))
        same = {"epochs": arguments.images / len(data.images), "device": where.type, "guide": False}
        base = start.model_copy(update=same)
        rows_out = []
        for seed in range(arguments.seeds):
            config = base.model_copy(update={"seed": seed})
            G, slow = textbook(config, root / "png", channels, classes, size, arguments.images, where)
            textbook_kid = kid(G)
            G, fast = ours(config, data, root / f"run{seed}", where)
            rows_out.append(
                {
                    "seed": seed,
                    "textbook_images_per_second": round(arguments.images / slow, 1),
                    "ours_images_per_second": round(arguments.images / fast, 1),
                    "ratio": round(slow / fast, 2),
                    "textbook_kid": round(textbook_kid, 5),
                    "ours_kid": round(kid(G), 5),
                }
            )
            print(json.dumps(rows_out[-1]), flush=True)
        report = {
            "machine": device.title(where),
            "threads": torch.get_num_threads(),
            "bfloat16": device.bfloat16(base, where),
            "images": arguments.images,
            "dataset": f"{len(data.images)} images of {size} px",
            "ratio": round(float(np.mean([row["ratio"] for row in rows_out])), 2),
            "goal": GOAL[where.type],
        }
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
