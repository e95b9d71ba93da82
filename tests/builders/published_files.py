"""Small checkpoints in the published layout of StyleGAN2-ADA, R3GAN and FastGAN, with random weights."""

import math
import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

CODE = "raise SystemExit('the code of the file was run')"


def _reconstruct_persistent_obj(meta):
    raise AssertionError("the code of the file was run")


class Network:
    """Pickled as NVIDIA's persistence pickles a network: its attributes beside the source code of its module."""

    def __init__(self, weights: dict[str, torch.Tensor]):
        children: dict[str, dict[str, torch.Tensor]] = {}
        self.parameters = OrderedDict()
        for name, tensor in weights.items():
            first, _, rest = name.partition(".")
            if rest:
                children.setdefault(first, {})[rest] = tensor
            else:
                self.parameters[first] = torch.nn.Parameter(tensor, requires_grad=False)
        self.children = OrderedDict((name, Network(part)) for name, part in children.items())

    def __reduce__(self) -> Any:
        state = {
            "training": False,
            "_parameters": self.parameters,
            "_buffers": OrderedDict(),
            "_modules": self.children,
        }
        meta = {"type": "class", "version": 6, "module_src": CODE, "class_name": "Generator", "state": state}
        return _reconstruct_persistent_obj, (meta,)


def write_pickle(path: Path, content: Any) -> Path:
    """With the functions of NVIDIA's package by their own names."""
    package, module = types.ModuleType("torch_utils"), types.ModuleType("torch_utils.persistence")
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj
    where = _reconstruct_persistent_obj.__module__
    _reconstruct_persistent_obj.__module__ = module.__name__
    sys.modules |= {package.__name__: package, module.__name__: module}
    try:
        path.write_bytes(pickle.dumps(content))
    finally:
        _reconstruct_persistent_obj.__module__ = where
        del sys.modules[package.__name__], sys.modules[module.__name__]
    return path


def random(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=draws) * 0.3 for name, shape in shapes.items()}


def widths(size: int, width: int) -> dict[int, int]:
    return {4 << level: min(width, 32 * width // (4 << level)) for level in range(size.bit_length() - 2)}


def stylegan2_ada(size: int = 32, width: int = 16, classes: int = 0, d: int = 16) -> dict[str, dict[str, torch.Tensor]]:
    """{network: its state dict}, after the shapes of stylegan2-ada-pytorch."""
    plan = widths(size, width)
    G: dict[str, tuple[int, ...]] = {"synthesis.b4.const": (plan[4], 4, 4), "mapping.w_avg": (d,)}
    D: dict[str, tuple[int, ...]] = {
        f"b{size}.fromrgb.weight": (plan[size], 3, 1, 1),
        f"b{size}.fromrgb.bias": (plan[size],),
    }

    def layer(name: str, i: int, o: int, side: int) -> None:
        G.update({f"{name}.weight": (o, i, 3, 3), f"{name}.bias": (o,), f"{name}.noise_strength": ()})
        G.update({f"{name}.noise_const": (side, side), f"{name}.resample_filter": (4, 4)})
        G.update({f"{name}.affine.weight": (i, d), f"{name}.affine.bias": (i,)})

    for side, c in plan.items():
        block = f"synthesis.b{side}"
        if side > 4:
            layer(f"{block}.conv0", plan[side // 2], c, side)
            coarser = plan[side // 2]
            D |= {
                f"b{side}.conv0.weight": (c, c, 3, 3),
                f"b{side}.conv0.bias": (c,),
                f"b{side}.skip.weight": (coarser, c, 1, 1),
            }
            D |= {f"b{side}.conv1.weight": (coarser, c, 3, 3), f"b{side}.conv1.bias": (coarser,)}
        layer(f"{block}.conv1", c, c, side)
        G |= {f"{block}.torgb.weight": (3, c, 1, 1), f"{block}.torgb.bias": (3,)}
        G |= {f"{block}.torgb.affine.weight": (c, d), f"{block}.torgb.affine.bias": (c,)}
    last, out = plan[4], plan[4] if classes else 1
    D |= {"b4.conv.weight": (last, last + 1, 3, 3), "b4.conv.bias": (last,), "b4.fc.weight": (last, 16 * last)}
    D |= {"b4.fc.bias": (last,), "b4.out.weight": (out, last), "b4.out.bias": (out,)}
    for number in range(8):
        i = 2 * d if classes and number == 0 else d
        G |= {f"mapping.fc{number}.weight": (d, i), f"mapping.fc{number}.bias": (d,)}
        if classes:
            D |= {f"mapping.fc{number}.weight": (last, last), f"mapping.fc{number}.bias": (last,)}
    if classes:
        G |= {"mapping.embed.weight": (d, classes), "mapping.embed.bias": (d,)}
        D |= {"mapping.embed.weight": (last, classes), "mapping.embed.bias": (last,)}
    return {"G": random(G, 1), "D": random(D, 2), "G_ema": random(G, 3)}


def r3gan(size: int = 32, width: int = 32, classes: int = 0, d: int = 8) -> dict[str, dict[str, torch.Tensor]]:
    """{network: its state dict}, after the shapes of R3GAN."""
    plan = list(widths(size, width).values())
    inputs = 2 * d if classes else d
    G: dict[str, tuple[int, ...]] = {"Model.AggregationLayer.Layer.weight": (3, plan[-1], 1, 1)}
    D: dict[str, tuple[int, ...]] = {"Model.ExtractionLayer.Layer.weight": (plan[-1], 3, 1, 1)}

    def residual(into: dict[str, tuple[int, ...]], name: str, c: int) -> None:
        into |= {f"{name}.LinearLayer1.Layer.weight": (2 * c, c, 1, 1), f"{name}.NonLinearity1.Bias": (2 * c,)}
        into |= {f"{name}.LinearLayer2.Layer.weight": (2 * c, 16, 3, 3), f"{name}.NonLinearity2.Bias": (2 * c,)}
        into |= {f"{name}.LinearLayer3.Layer.weight": (c, 2 * c, 1, 1)}

    for stage, c in enumerate(plan):
        name = f"Model.MainLayers.{stage}.Layers"
        if stage == 0:
            G |= {f"{name}.0.Basis": (c, 4, 4), f"{name}.0.LinearLayer.weight": (c, inputs)}
        elif plan[stage - 1] != c:
            G |= {f"{name}.0.LinearLayer.Layer.weight": (c, plan[stage - 1], 1, 1)}
        residual(G, f"{name}.1", c)
        residual(G, f"{name}.2", c)
    fine = plan[::-1]
    for stage, c in enumerate(fine):
        name = f"Model.MainLayers.{stage}.Layers"
        residual(D, f"{name}.0", c)
        residual(D, f"{name}.1", c)
        if stage == len(fine) - 1:
            D |= {f"{name}.2.Basis.weight": (c, 1, 4, 4), f"{name}.2.LinearLayer.weight": (c if classes else 1, c)}
        elif fine[stage + 1] != c:
            D |= {f"{name}.2.LinearLayer.Layer.weight": (fine[stage + 1], c, 1, 1)}
    if classes:
        G |= {"Model.EmbeddingLayer.weight": (d, classes)}
        D |= {"Model.EmbeddingLayer.weight": (plan[0], classes)}
    return {"G": random(G, 1), "D": random(D, 2), "G_ema": random(G, 3)}


def fastgan(size: int = 64, width: int = 4, d: int = 16) -> dict[str, torch.Tensor]:
    """The state dict of g, after the shapes of FastGAN-pytorch."""
    share = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5}
    plan = {side: int(share[side] * width) for side in share if side <= size}
    shapes: dict[str, tuple[int, ...]] = {}

    def spectral(name: str, *shape: int) -> None:
        rows = shape[1] if name == "init.init.0" else shape[0]  # a transposed convolution has its outputs second
        columns = math.prod(shape) // rows
        shapes.update({f"{name}.weight_orig": shape, f"{name}.weight_u": (rows,), f"{name}.weight_v": (columns,)})

    def norm(name: str, c: int) -> None:
        shapes.update({f"{name}.{kind}": (c,) for kind in ("weight", "bias", "running_mean", "running_var")})

    spectral("init.init.0", d, 2 * plan[4], 4, 4)
    norm("init.init.1", 2 * plan[4])
    for side in list(plan)[1:]:
        i, o, double = plan[side // 2], plan[side], side in (8, 32, 128)
        spectral(f"feat_{side}.1", 2 * o, i, 3, 3)
        norm(f"feat_{side}.{3 if double else 2}", 2 * o)
        if double:
            shapes |= {f"feat_{side}.2.weight": (1,), f"feat_{side}.6.weight": (1,)}
            spectral(f"feat_{side}.5", 2 * o, o, 3, 3)
            norm(f"feat_{side}.7", 2 * o)
        if side >= 64:
            spectral(f"se_{side}.main.1", o, plan[side // 16], 4, 4)
            spectral(f"se_{side}.main.3", o, o, 1, 1)
    spectral("to_big", 3, plan[size], 3, 3)
    found = random(shapes, 4)
    return {name: tensor.abs() if name.endswith("running_var") else tensor for name, tensor in found.items()}
