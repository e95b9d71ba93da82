"""Draw images with a generator: of one class, or grids from fixed latent codes with a row per class."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import nn
from torch.nn import functional as F

from gan_core.errors import UserError
from gan_core.generation.png_metadata import Notes, png_info
from gan_core.models.refiner import generator
from gan_core.settings.schema import TrainConfig
from gan_core.storage.workspace import atomic_write

COLUMNS = 8
ROWS = 40  # most classes in a grid
CELL_PX = 64  # small images are magnified by a whole number to about this
BATCH = 32  # images of one pass; more save no time and may not fit on a GPU
SHAPE_ERRORS = ("Missing key", "Unexpected key", "size mismatch", "must match")  # parts of torch's messages


def to_pixels(images: torch.Tensor, size: int) -> np.ndarray:
    """[N, C, inner, inner] in about [-1, 1] -> uint8 [N, size, size, C]: center crop, rounded, clipped."""
    return pixels_of(images, size).cpu().numpy()


def pixels_of(images: torch.Tensor, size: int) -> torch.Tensor:
    """to_pixels, as a tensor on the device of the images."""
    edge = (images.shape[-1] - size) // 2
    images = images[..., edge : edge + size, edge : edge + size]
    return ((images + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1)


def from_pixels(images: torch.Tensor, inner: int) -> torch.Tensor:
    """uint8 [N, C, S, S] -> float [N, C, inner, inner] in [-1, 1]; the border pixels are repeated where inner > S."""
    x = images.float() / 127.5 - 1
    edge = (inner - x.shape[-1]) // 2
    return F.pad(x, (edge,) * 4, mode="replicate") if edge else x


@contextlib.contextmanager
def weights_fit() -> Iterator[None]:
    """Around load_state_dict. Raises UserError other_networks where the weights are of networks that have changed since."""
    try:
        yield
    except (RuntimeError, ValueError, KeyError) as error:
        if isinstance(error, RuntimeError) and not any(message in str(error) for message in SHAPE_ERRORS):
            raise  # out of memory, or a fault of the device
        raise UserError(
            "other_networks",
            "This run was trained by another version of Ganvas, whose networks of this family were different.",
            "Go on with the version that trained it, or clone the run and train anew.",
        ) from error


def load_generator(
    config: TrainConfig,
    weights: dict[str, torch.Tensor],
    *,
    size: int,
    channels: int,
    num_classes: int,
    device: torch.device,
) -> nn.Module:
    """The averaged generator of a checkpoint, ready for sampling. Raises UserError other_networks where the weights do not fit."""
    G = generator(config, size=size, channels=channels, num_classes=num_classes)
    with weights_fit():
        G.load_state_dict(weights)
    return G.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)


def device_of(G: nn.Module) -> torch.device:
    return next(iter(G.state_dict().values())).device


@torch.no_grad()
def generate(G: nn.Module, z: np.ndarray, labels: np.ndarray, size: int, batch: int = BATCH) -> np.ndarray:
    """z float32 [N, z_dim], labels int64 [N] -> uint8 [N, size, size, C]."""
    device, parts = device_of(G), []
    for first in range(0, len(z), batch):
        codes, y = (torch.from_numpy(np.array(a[first : first + batch])).to(device) for a in (z, labels))
        parts.append(to_pixels(G(codes, y).float(), size))
    return np.concatenate(parts)


def draw(
    G: nn.Module, labels: np.ndarray, *, z_dim: int, size: int, seed: int, start: int = 0, truncation: float = 1.0
) -> np.ndarray:
    """One image per label: int64 [N] -> uint8 [N, size, size, C].

    truncation multiplies z; below 1 images are more typical and more alike. The latent code of image number start + i depends
    on (seed, start + i) alone, so the batch size does not change it.
    """
    out = []
    for first in range(0, len(labels), BATCH):
        y = labels[first : first + BATCH]
        z = noise(z_dim, len(y), seed=seed, start=start + first) * np.float32(truncation)
        out.append(generate(G, z, y, size))
    return np.concatenate(out)


def noise(z_dim: int, count: int, *, seed: int, start: int = 0) -> np.ndarray:
    """Latent codes float32 [count, z_dim] of the images start, start + 1, ... of a seed."""
    return np.stack(
        [np.random.default_rng([seed, start + i]).standard_normal(z_dim, dtype=np.float32) for i in range(count)]
    )


def fixed_noise(z_dim: int, num_classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(z, y) of a grid: COLUMNS latent codes, the same in every row, a row per class."""
    rows = min(num_classes, ROWS)
    z = torch.from_numpy(np.random.default_rng([seed, 2**32]).standard_normal((COLUMNS, z_dim), dtype=np.float32))
    return z.repeat(rows, 1), torch.arange(rows).repeat_interleave(COLUMNS)


def grid(images: np.ndarray, classes: list[str], columns: int = COLUMNS) -> Image.Image:
    """uint8 [rows * columns, S, S, C], row-major -> one picture, the name of a class at the left of its row."""
    size, rows = images.shape[1], len(images) // columns
    scale = max(1, round(CELL_PX / size))
    cell, gap, font = size * scale, 2, ImageFont.load_default(13)
    names = [shorten(name) for name in classes[:rows]]
    margin = 12 + int(max((font.getlength(name) for name in names), default=0)) if len(classes) > 1 else 0
    sheet = Image.new("RGB", (margin + columns * (cell + gap) - gap, rows * (cell + gap) - gap), "white")
    pen = ImageDraw.Draw(sheet)
    for (row, column), image in zip(itertools.product(range(rows), range(columns)), images, strict=False):
        sheet.paste(
            picture_of(image).resize((cell, cell), Image.Resampling.NEAREST),
            (margin + column * (cell + gap), row * (cell + gap)),
        )
    if margin:
        for row, name in enumerate(names):
            pen.text((6, row * (cell + gap) + cell / 2), name, fill="black", font=font, anchor="lm")
    return sheet


def shorten(name: str, longest: int = 18) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def real_grid(images: np.ndarray, labels: np.ndarray, classes: list[str], seed: int) -> Image.Image:
    """Real images of the same classes in the same layout; a class with fewer than COLUMNS images repeats them."""
    rng = np.random.default_rng(seed)
    rows = []
    for label in range(min(len(classes), ROWS)):
        members = np.flatnonzero(labels == label)
        if len(members):
            rows.append(images[np.sort(rng.choice(members, COLUMNS, replace=len(members) < COLUMNS))])
        else:
            rows.append(np.full((COLUMNS, *images.shape[1:]), 255, np.uint8))
    return grid(np.concatenate(rows), classes)


def picture_of(image: np.ndarray) -> Image.Image:
    """uint8 [S, S, C], C 1 or 3."""
    return Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)


def save_png(path: Path, picture: Image.Image, notes: Notes | None = None) -> None:
    """notes: written into the file, see png_metadata.py."""
    info = None if notes is None else png_info(notes)
    atomic_write(path, lambda file: picture.save(file, "PNG", pnginfo=info))
