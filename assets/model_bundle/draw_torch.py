"""Draws images of a class with generator.safetensors: python draw_torch.py CLASS COUNT [SEED].

Needs the Python package gan_core of Ganvas on the path, for the networks.
"""

import difflib
import json
import sys
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file

from gan_core.generation.sampling import draw, load_generator
from gan_core.settings.schema import build

here = Path(__file__).parent
facts = json.loads((here / "generator.json").read_text(encoding="utf-8"))
if len(sys.argv) < 3:
    sys.exit(f"{__doc__}\nClasses: {', '.join(facts['classes'])}")
name, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
if name not in facts["classes"]:
    near = difflib.get_close_matches(name, facts["classes"], n=1) or facts["classes"][:20]
    sys.exit(f"There is no class {name!r}. Did you mean {', '.join(map(repr, near))}?")
label = facts["classes"].index(name)
shape = {"size": facts["size"], "channels": facts["channels"], "num_classes": len(facts["classes"])}
G = load_generator(
    build(facts["config"]), load_file(here / "generator.safetensors"), **shape, device=torch.device("cpu")
)
labels = torch.full((count,), label)
images = draw(G, labels, z_dim=facts["z_dim"], size=facts["size"], seed=seed + label)  # uint8 [N, H, W, C]
for i, image in enumerate(images):
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(here / f"{label}-{i:06d}.png")
