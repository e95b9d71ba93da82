"""Published weights of StyleGAN2-ADA, R3GAN and FastGAN as the start of a run: read without running anything in the file."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gan_core.errors import UserError
from gan_core.settings.families import TRAITS, inner_size
from gan_core.settings.schema import TrainConfig
from gan_core.training.published import fastgan, pickle_reader, r3gan, stylegan2_ada
from gan_core.training.published.layout import Layout, Weights

LAYOUTS: tuple[Layout, ...] = (stylegan2_ada.LAYOUT, r3gan.LAYOUT, fastgan.LAYOUT)
TITLES = "StyleGAN2-ADA, R3GAN or FastGAN"
G_KEYS, D_KEYS = ("G_ema", "g_ema", "G", "g"), ("D", "d")
ZIP, OLD_TORCH = (
    b"PK",
    b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
)  # how torch.save's files begin: now, and after two bytes before 1.6

# What a damaged file may raise on its way through torch's reader or ours: lengths and names in it may be anything.
DAMAGED = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError),
    *(AssertionError, MemoryError, OverflowError),
)


@dataclass(frozen=True)
class Published:
    """The weights of a published checkpoint. G: those of the averaged generator where the file has them. D: None without one."""

    file: str
    layout: Layout
    G: Weights
    D: Weights | None

    def obstacles(self, config: TrainConfig, size: int, channels: int) -> dict[str, Any]:
        """{setting: the value that the weights need} where the run's differ. size and channels are those of its images."""
        wanted: dict[str, Any] = {"family": self.layout.family, **self.layout.settings(self.G)}
        found = {name: value for name, value in wanted.items() if getattr(config, name) != value}
        side, colors = self.layout.size(self.G)
        mine = inner_size(config.family, size)
        if side < mine or (side > mine and not self.layout.any_smaller):
            found["size"] = side
        return found | ({"channels": colors} if colors != channels else {})


def read(path: Path) -> Published:
    """Raises UserError no_such_path, bad_weights (unreadable, or with code) or other_weights (of no known layout)."""
    if not path.is_file():
        what = f"There is no file {str(path)!r} to start from."
        raise UserError("no_such_path", what, "Give the path of a .pkl, .pth or .safetensors file on this computer.")
    try:
        content = content_of(path)
        networks = {key: network(value) for key, value in networks_in(content).items()}
    except pickle.UnpicklingError as error:
        said = str(error).lower()
        if not any(words in said for words in ("weights_only", "unsupported global", "unsupported class")):
            raise unreadable(path) from error
        raise UserError(
            "bad_weights",
            f"{path.name} holds Python code beside its tensors, which is never run here.",
            "Where it comes from a source that you trust, save its state dicts alone with torch.save, and start from that file.",
        ) from error
    except DAMAGED as error:
        raise unreadable(path) from error
    G = next((networks[key] for key in G_KEYS if networks.get(key)), None)
    if G is not None and not all(torch.isfinite(tensor.float()).all() for tensor in G.values()):
        what = f"{path.name} holds weights that are not finite numbers."
        raise UserError("bad_weights", what, "Start from an earlier checkpoint of that training.")
    layout = next((one for one in LAYOUTS if G and one.mark in G), None)
    if G is None or layout is None:
        raise UserError(
            "other_weights",
            f"{path.name} holds no generator of {TITLES} in its published layout.",
            "Start from such a file, from a run of your own, or from scratch.",
        )
    try:
        layout.settings(G), layout.size(G)
    except (KeyError, ValueError, IndexError, StopIteration) as error:  # a part of a generator
        raise unreadable(path) from error
    return Published(path.name, layout, G, next((networks[key] for key in D_KEYS if networks.get(key)), None))


def read_for(path: Path, config: TrainConfig, size: int, channels: int) -> Published:
    """read(), and UserError other_shape where the run's networks are others. size and channels: of the images it trains on."""
    published = read(path)
    if obstacles := published.obstacles(config, size, channels):
        raise advice(published, obstacles)
    return published


def unreadable(path: Path) -> UserError:
    return UserError(
        "bad_weights",
        f"{path.name} cannot be read as weights: it is damaged, incomplete or of another kind.",
        f"Download it again, or start from a file of {TITLES}.",
    )


def content_of(path: Path) -> Any:
    """What the file holds; nothing in it is run."""
    with open(path, "rb") as file:
        start = file.read(16)
        if start.startswith(ZIP) or start[2:].startswith(OLD_TORCH):
            return torch.load(path, map_location="cpu", weights_only=True)
        file.seek(0)
        if path.suffix == ".safetensors":
            from safetensors import SafetensorError
            from safetensors.torch import load

            try:
                return load(file.read())
            except SafetensorError as error:
                raise ValueError("no safetensors") from error
        return pickle_reader.read(file)


def networks_in(content: Any) -> dict[str, Any]:
    """The networks of a file by their key; a file of one network's tensors is its generator."""
    values = pickle_reader.plain(content)
    if not values:
        raise ValueError("nothing by a name")
    if all(isinstance(value, torch.Tensor) for value in values.values()):
        return {"G_ema": values}
    found = {key: values[key] for key in (*G_KEYS, *D_KEYS) if values.get(key) is not None}
    if isinstance(found.get("g_ema"), list):  # FastGAN's all_*.pth: the averages of G's parameters, in their order
        found["g_ema"] = averaged(found["g"], found["g_ema"])
    return found


def network(value: Any) -> Weights:
    """The state dict of a network, as it is or recorded."""
    if isinstance(value, pickle_reader.Inert):
        return pickle_reader.state_dict_of(value)
    return {
        str(name).removeprefix("module."): tensor for name, tensor in value.items() if isinstance(tensor, torch.Tensor)
    }


BUFFERS = ("weight_u", "weight_v", "running_mean", "running_var", "num_batches_tracked")


def averaged(G: dict[str, torch.Tensor], averages: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    names = [name for name in G if not name.endswith(BUFFERS)]
    return {**G, **dict(zip(names, averages, strict=True))}


def advice(published: Published, obstacles: dict[str, Any]) -> UserError:
    """The refusal of weights that do not fit the run."""
    words = {"size": "images of {} px", "channels": "images of {} channels", "family": "the networks {}"}
    named = [words.get(name, name + " {}").format(shown(name, value)) for name, value in obstacles.items()]
    data = [name for name in ("size", "channels") if name in obstacles]
    other = (
        ["set " + ", ".join(f"{n} to {plain_value(v)}" for n, v in obstacles.items() if n not in data)]
        if len(data) < len(obstacles)
        else []
    )
    other += [f"import the images at {obstacles['size']} px"] if "size" in obstacles else []
    other += (
        [f"import the images in {('grey', 'colour')[obstacles['channels'] == 3]}"] if "channels" in obstacles else []
    )
    step = " and ".join(other)
    return UserError(
        "other_shape",
        f"The {published.layout.title} weights in {published.file} need {', '.join(named)}.",
        f"{step[0].upper()}{step[1:]}, or start from other weights.",
    )


def shown(name: str, value: Any) -> str:
    return f"{TRAITS[value].title!r}" if name == "family" else plain_value(value)


def plain_value(value: Any) -> str:
    """As after --set."""
    return str(value).lower() if isinstance(value, bool) else str(value)
