"""Trains a classifier on train/ as recommended_use.json says, and prints its balanced accuracy on test/: python train.py

It needs torch and torchvision alone. In train/metadata.csv, `weight` is how often an image is shown beside the others (0: never),
and `soft_label` the probabilities to learn from it; where that is [], it is the class of its folder that is learned.
"""

import csv
import json
import math
from itertools import pairwise, zip_longest
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import nn
from torchvision.models.resnet import BasicBlock

HERE, DEVICE = Path(__file__).resolve().parent, "cuda" if torch.cuda.is_available() else "cpu"


def read(split, use):
    """Images float [N, C, S, S] in [-1, 1], their classes int64 [N], and what the metadata says of each."""
    table, side, images = HERE / split / "metadata.csv", use["side"], []
    if table.exists():
        rows = list(csv.DictReader(table.open(newline="", encoding="utf-8")))
    else:
        rows = [json.loads(line) for line in table.with_suffix(".jsonl").open(encoding="utf-8")]
    for row in rows:
        picture = Image.open(HERE / split / row["file_name"]).convert(use["mode"])
        images.append(np.asarray(ImageOps.pad(picture, (side, side), Image.Resampling.BILINEAR, use["background"])))
    classes = [use["folders"].index(row["file_name"].split("/")[0]) for row in rows]
    pixels = torch.from_numpy(np.stack(images)).view(len(rows), side, side, -1).permute(0, 3, 1, 2)
    return pixels / 127.5 - 1, torch.tensor(classes), rows


def network_of(name, side, channels, num_classes):
    """small: three or four convolutions; resnet: ResNet-18 with a quarter of its channels, for small images."""
    conv = lambda a, b, size, stride: (nn.Conv2d(a, b, size, stride, size // 2, bias=False), nn.BatchNorm2d(b))
    if name == "small":
        layers, widths = [], (channels, 32, 64, 128) if side <= 40 else (channels, 16, 32, 64, 128)
        for before, after in pairwise(widths):
            layers += [*conv(before, after, 3 if layers else 5, 2), nn.ReLU()]
        places = math.ceil(side / 2 ** (len(widths) - 1)) ** 2
        layers += [nn.Flatten(), nn.Linear(128 * places, 128, bias=False), nn.BatchNorm1d(128), nn.ReLU()]
    else:
        layers = [*conv(channels, 16, 3, 2 if side > 40 else 1), nn.ReLU(), BasicBlock(16, 16), BasicBlock(16, 16)]
        for width in (32, 64, 128):
            shortcut = nn.Sequential(*conv(width // 2, width, 1, 2))
            layers += [BasicBlock(width // 2, width, 2, shortcut), BasicBlock(width, width)]
        for one in [one for one in nn.Sequential(*layers).modules() if isinstance(one, nn.Conv2d)]:
            nn.init.kaiming_normal_(one.weight, mode="fan_out")
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(128, num_classes))


def augment(x, reach):
    """Each image of [n, C, S, S], in [-1, 1], moved and relit by chance. reach: how far at most."""
    wide, draw = lambda values: values.view(-1, 1, 1, 1), lambda *shape: torch.rand(*shape).to(x)
    change = lambda name: reach[name] * (2 * draw(len(x)) - 1) if reach[name] else torch.zeros(len(x)).to(x)
    turn, zoom, stretch, shear = change("degrees") * math.pi / 180, change("zoom"), change("aspect"), change("shear")
    across, down = (1 + zoom) * torch.exp(stretch / 2), (1 + zoom) / torch.exp(stretch / 2)
    grid = [turn.cos() / across, (shear - turn.sin()) / across, 2 * change("shift")]
    grid += [turn.sin() / down, turn.cos() / down, 2 * change("shift")]
    grid = F.affine_grid(torch.stack(grid, 1).view(-1, 2, 3), list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * wide(1 + change("contrast")) + mean + wide(change("brightness"))
    x = x + reach["color"] * (2 * draw(len(x), x.shape[1], 1, 1) - 1) if reach["color"] else x
    chance, size, row, column = draw(4, len(x))  # of a grey square
    place = (torch.arange(x.shape[-1]).to(x) + 0.5) / x.shape[-1]
    down, across = ((place - middle[:, None]).abs() < 0.05 + 0.1 * size[:, None] for middle in (row, column))
    x = x.clamp(-1, 1) * ~(down[:, None, :, None] & across[:, None, None] & wide(chance < reach["erase_chance"]))
    return torch.where(wide(draw(len(x)) < reach["flip_chance"]), x.flip(3), x)


def mix(x, y, other, kind, rng):
    """Images and targets with others: MixUp, or a rectangle of another over every second one (CutMix, CMO)."""
    if kind == "mixup":
        part = 1 - torch.from_numpy(rng.beta(0.2, 0.2, (len(x), 1, 1, 1))).to(x)
        x = x + part * (other[0] - x)
    else:
        reach = x.shape[-1] * np.sqrt(1 - rng.random(len(x))) / 2 * (rng.random(len(x)) < 0.5)
        down, across = np.abs(np.arange(x.shape[-1]) + 0.5 - rng.random((2, len(x), 1)) * x.shape[-1]) < reach[:, None]
        inside = torch.from_numpy(down[:, None, :, None] & across[:, None, None]).to(x.device)
        x, part = torch.where(inside, other[0], x), inside.float().mean((1, 2, 3), keepdim=True)
    return x, y + part[:, :, 0, 0] * (other[1] - y)


def drawn(rows, weights, lines, width, rng):
    """Rows [lines, width] in random order, each as often as its weight says, to less than one."""
    places = (np.arange(lines * width) + rng.random()) / max(1, lines * width)
    found = np.searchsorted(np.cumsum(weights) / np.sum(weights), places, side="right")
    return rng.permutation(rows[found.clip(max=len(rows) - 1)]).reshape(lines, width)


def train(use, images, classes, rows, seed):
    """The trained network. Synthetic images have slots of their own in a batch, beside the real ones."""
    rng, updates, batch, _ = np.random.default_rng(seed), use["updates"], use["batch"], torch.manual_seed(seed)
    weight, made = np.array([[float(row["weight"]), row["method"] != "real"] for row in rows]).T
    real, synthetic = (np.flatnonzero((weight > 0) & (made - made.min() == kind)) for kind in (0, 1))
    hard = F.one_hot(classes, len(use["folders"])) * (1 - use["smoothing"]) + use["smoothing"] / len(use["folders"])
    target = torch.tensor([json.loads(row["soft_label"]) or one for row, one in zip(rows, hard.tolist(), strict=True)])
    rare = 1 / np.bincount(classes[real])[classes[real]] ** 2.0  # how often CMO pastes parts of an image
    make = __import__("lite0").network_of if use["classifier"] == "lite0" else network_of  # lite0.py
    network = make(use["classifier"], use["side"], images.shape[1], len(use["folders"])).to(DEVICE).train()

    def shown(chosen, kind):
        x, y = augment(images[chosen].to(DEVICE), use["augmentation"]), target[chosen].to(DEVICE)
        partner = rng.permutation(len(x))
        if kind == "cmo":
            return mix(x, y, shown(rng.choice(real, len(x), p=rare / rare.sum()), "none"), kind, rng)
        return (x, y) if kind == "none" else mix(x, y, (x[partner], y[partner]), kind, rng)

    natural = drawn(real, weight[real] > 0, use["natural_updates"], batch, rng)  # every image as often
    sampled = drawn(real, weight[real], updates - use["natural_updates"], batch, rng)
    before = drawn(synthetic, weight[synthetic], use["pretrain_updates"], batch, rng)
    beside = drawn(synthetic, weight[synthetic], use["synthetic_updates"], use["synthetic_slots"], rng)
    for stage in [(None, rows) for rows in before], list(zip_longest([*natural, *sampled], beside)):
        optimizer = torch.optim.AdamW(network.parameters(), betas=(0.9, 0.99), weight_decay=use["weight_decay"])
        for number, chosen in enumerate(stage):
            at = number / len(stage)  # the learning rate goes up for a fifth of the updates, then down as a cosine
            fall = (1 + math.cos(math.pi * max(0, at / 0.8 - 0.25))) / 2
            optimizer.param_groups[0]["lr"] = use["peak_rate"] * min(1, at / 0.2 + 0.01) * fall
            kinds = use["mix"], use["mix"].replace("cmo", "none")  # nothing is pasted on synthetic images
            parts = [shown(rows, kind) for rows, kind in zip(chosen, kinds, strict=True) if rows is not None]
            x, y = (torch.cat(part) for part in zip(*parts, strict=True))
            optimizer.zero_grad()
            F.cross_entropy(network(x), y).backward()
            optimizer.step()
    for norm in [one for one in network.modules() if isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d) and one.training]:
        norm.reset_running_stats()  # its statistics are estimated anew, of real images alone
        norm.momentum = None
    torch.set_grad_enabled(False)
    for chosen in drawn(real, weight[real], use["norm_batches"], 128, rng):
        network(shown(chosen, "none")[0])
    return network.eval()


if __name__ == "__main__":
    use = json.loads((HERE / "recommended_use.json").read_text(encoding="utf-8"))
    if use["layout"] != "imagefolder" or not (HERE / "test").exists():
        raise SystemExit("train.py needs folders (--layout imagefolder) and test images (--held-out): export it so.")
    network = train(use, *read("train", use), seed=0)
    images, classes, _ = read("test", use)
    found = torch.cat([network(part.to(DEVICE)).argmax(1).cpu() for part in images.split(256)])
    recalls = [(found[classes == one] == one).float().mean().item() for one in classes.unique()]
    print(f"Balanced accuracy on the {len(classes)} images of test/: {np.mean(recalls):.1%}. {use['promise_in_words']}")
