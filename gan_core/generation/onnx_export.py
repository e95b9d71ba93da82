"""Export a generator as ONNX, which runs without torch or Ganvas, and as safetensors."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from gan_core.errors import UserError
from gan_core.generation.sampling import pixels_of

CHECKED_IMAGES = 32
TRACED_IMAGES = 3  # not 1, which the exporter would treat as a constant
MOST_LEVELS = 1  # of 255; ONNX and torch may round differently


class PixelGenerator(nn.Module):
    """noise float32 [N, z_dim], label int64 [N] -> uint8 [N, size, size, C]."""

    def __init__(self, G: nn.Module, size: int) -> None:
        super().__init__()
        self.G, self.size = G, size

    def forward(self, noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return pixels_of(self.G(noise, label).float(), self.size)


def write_weights(G: nn.Module, path: Path) -> None:
    """Write the generator's tensors by the names of its state dict."""
    save_file({name: value.detach().cpu().contiguous() for name, value in G.state_dict().items()}, path)


def write_onnx(G: nn.Module, path: Path, *, z_dim: int, size: int, classes: int) -> int:
    """Write G with the conversion to pixels; returns the largest difference from torch, in levels of 255.

    Inputs "noise" float32 [N, z_dim] and "label" int64 [N], output "image" uint8 [N, size, size, C]. Raises UserError no_onnx
    where the networks cannot be written as ONNX, or give other images there.
    """
    import onnxruntime

    whole = PixelGenerator(G.cpu().to(memory_format=torch.contiguous_format), size).eval()
    noise, label = example_inputs(CHECKED_IMAGES, z_dim, classes)
    refused = "The networks of this run cannot be written as ONNX"
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = whole(noise, label).numpy()
            number = torch.export.Dim("images", min=1)
            program = torch.onnx.export(
                whole,
                (noise[:TRACED_IMAGES], label[:TRACED_IMAGES]),
                dynamo=True,
                dynamic_shapes=({0: number}, {0: number}),
                input_names=["noise", "label"],
                output_names=["image"],
                verbose=False,
            )
        assert program is not None
        graph = without_notes(program.model_proto).SerializeToString()
        path.write_bytes(graph)
        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        drawn = session.run(None, {"noise": noise.numpy(), "label": label.numpy()})[0]
    except (MemoryError, OSError):
        raise
    except Exception as error:  # the exporter and onnxruntime raise many kinds
        path.unlink(missing_ok=True)
        cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise UserError("no_onnx", f"{refused} ({cause}).", "Take the safetensors file.") from None
    levels = int(np.abs(drawn.astype(int) - wanted.astype(int)).max())
    if levels > MOST_LEVELS:
        path.unlink()
        raise UserError("no_onnx", f"{refused}: it draws other images there.", "Take the safetensors file.")
    return levels


def without_notes(model: Any) -> Any:
    """An onnx.ModelProto without the exporter's notes, which hold source lines and paths of this computer."""
    parts = [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]
    for function in model.functions:
        parts += [function, *function.node]
    for part in [*parts, *model.graph.initializer]:
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    return model


def example_inputs(n: int, z_dim: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    noise = np.random.default_rng(0).standard_normal((n, z_dim), dtype=np.float32)
    return torch.from_numpy(noise), torch.arange(n) % classes
