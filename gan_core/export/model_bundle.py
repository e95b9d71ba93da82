"""The model bundle: a generator as a zip, with a README and scripts that draw with it, one of them without torch."""

import shlex
from typing import Any

from gan_core import places
from gan_core.export.safe_names import markdown

SCRIPTS = places.APP / "assets" / "model_bundle"

CARD = """# Generator of {name}

A generative adversarial network trained with Ganvas on {dataset}: recipe {recipe}, {images_seen:,} images shown, checkpoint
`{checkpoint}` (SHA-256).

- `generator.onnx`{onnx}
- `generator.safetensors`: the same weights; `draw_torch.py` loads them with Ganvas's own networks.
- `generator.json`: classes, sizes and settings.

```sh
{commands}
```

{graph}The same seed draws the same images as `python -m gan_core sample`.

**Not anonymous.** A generator can repeat its training images nearly unchanged: publish it only where you may publish them.
"""


GRAPH = """Inputs of the ONNX graph: `noise` float32 [N, {z_dim}], standard normal, and `label` int64 [N], the index of the class;
output: `image` uint8 [N, {size}, {size}, {channels}]. """


def members(facts: dict[str, Any], run_name: str, onnx: str) -> dict[str, str]:
    """File name -> text of the files beside the weights. facts: of generator.json; onnx: why there is no ONNX file, else ''."""
    scripts = ["draw_torch.py"] if onnx else ["draw.py", "draw_torch.py"]
    return {"README.md": card(facts, run_name, onnx), **{name: (SCRIPTS / name).read_text("utf-8") for name in scripts}}


def card(facts: dict[str, Any], run_name: str, onnx: str) -> str:
    levels = facts.get("onnx_levels")
    about_onnx = (
        f" is not here: {markdown(onnx)}" if onnx else f": draws without torch; at most {levels} of 255 levels from it."
    )
    first = shlex.quote(" ".join(facts["classes"][0].split()))
    commands = [f"python draw_torch.py {first} 16    # in a checkout of Ganvas"]
    if not onnx:
        commands.insert(0, f"python draw.py {first} 16          # 16 images with numpy, onnxruntime and pillow")
    return CARD.format(
        name=markdown(run_name),
        dataset=markdown(facts["dataset"]),
        recipe=markdown(facts["recipe"]),
        images_seen=facts["images_seen"],
        checkpoint=facts["checkpoint_sha256"],
        onnx=about_onnx,
        commands="\n".join(commands).replace("```", ""),
        graph="" if onnx else GRAPH.format(**{key: facts[key] for key in ("z_dim", "size", "channels")}),
    )
