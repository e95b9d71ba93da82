"""Draws images of a class with generator.onnx: python draw.py CLASS COUNT [SEED].

Needs numpy, onnxruntime and pillow.
"""

import difflib
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

here = Path(__file__).parent
facts = json.loads((here / "generator.json").read_text(encoding="utf-8"))
if len(sys.argv) < 3:
    sys.exit(f"{__doc__}\nClasses: {', '.join(facts['classes'])}")
name, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
if name not in facts["classes"]:
    near = difflib.get_close_matches(name, facts["classes"], n=1) or facts["classes"][:20]
    sys.exit(f"There is no class {name!r}. Did you mean {', '.join(map(repr, near))}?")
label = facts["classes"].index(name)
noise = [
    np.random.default_rng([seed + label, i]).standard_normal(facts["z_dim"], dtype=np.float32) for i in range(count)
]
session = onnxruntime.InferenceSession(str(here / "generator.onnx"), providers=["CPUExecutionProvider"])
images = session.run(None, {"noise": np.stack(noise), "label": np.full(count, label)})[0]  # uint8 [N, H, W, C]
for i, image in enumerate(images):
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(here / f"{label}-{i:06d}.png")
