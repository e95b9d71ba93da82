"""The rows of metrics.jsonl of a made-up run, as columns, and the numbers of a packed curve."""

import base64
import json

import numpy as np

from gan_core.views import curves


def rows(count: int, start: int = 0) -> list[dict]:
    return [
        {
            "images_seen": 64 * at,
            "epoch": at / 10,
            "elapsed_seconds": 1.5 * at,
            "loss_d": 0.5 + at % 7,
            "loss_g": 0.7,
            "d_real": 0.6,
            "d_fake": 0.4,
        }
        for at in range(start, start + count)
    ]


def text(some: list[dict]) -> str:
    return "".join(json.dumps(row) + "\n" for row in some)


def columns(count: int) -> curves.Columns:
    return curves.parse(text(rows(count)).encode())


def numbers(packed: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["bdata"]), f"<{packed['dtype']}")
