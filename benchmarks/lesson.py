"""Mode collapse in the laboratory of the Learn page, and what cures it: blobs found of the ring, over several seeds.

    python benchmarks/lesson.py [--seeds 5] [--rounds 600] [--only NAME ...]

A blob is found with a fifth of its share of the points. The mean over three counts, 50 rounds apart, so that a G that jumps
from blob to blob does not look good by chance. Prints a row of docs/teaching.md for each setting.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.learn.frames import Viewer
from gan_core.learn.game import Exploded, Game
from gan_core.learn.settings import Settings

COLLAPSE = Settings(lr_d=0.001, lr_g=0.01)
CHANGES = {
    "none (the collapse)": COLLAPSE,
    "five D steps per G step": replace(COLLAPSE, d_steps=5),
    "D as fast as G": replace(COLLAPSE, lr_d=0.01),
    "D three times as fast as G": replace(COLLAPSE, lr_d=0.03),
    "both at 0.005": replace(COLLAPSE, lr_d=0.005, lr_g=0.005),
    "G as slow as D": replace(COLLAPSE, lr_g=0.001),
    "relativistic, R1 + R2 of 1": replace(COLLAPSE, loss="relativistic", gamma=1.0),
    "relativistic alone": replace(COLLAPSE, loss="relativistic"),
    "R1 + R2 of 1 alone": replace(COLLAPSE, gamma=1.0),
    "Wasserstein, R1 + R2 of 1": replace(COLLAPSE, loss="wasserstein", gamma=1.0),
    "least squares": replace(COLLAPSE, loss="least-squares"),
    "hinge": replace(COLLAPSE, loss="hinge"),
    "instance noise of 0.3": replace(COLLAPSE, blur=0.3),
    "labels": replace(COLLAPSE, labels=True),
    "D sees its batch": replace(COLLAPSE, crowd=True),
}


def end_of(settings: Settings, rounds: int) -> tuple[float, float] | None:
    """Mean blobs found, and mean share of points on a blob, of the last three counts; None where it exploded."""
    game = Game(settings)
    viewer, counts = Viewer(game), []
    try:
        game.take("dg" * (rounds - 100))
        for more in (0, 50, 50):
            game.take("dg" * more)
            counts.append(viewer.frame(game, "")[0])
    except Exploded:
        return None
    return sum(found["modes"] for found in counts) / 3, sum(found["on"] for found in counts) / 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=600)
    parser.add_argument("--only", nargs="*", default=list(CHANGES))
    wanted = parser.parse_args()
    for name in wanted.only:
        started = time.process_time()
        ends = [end_of(replace(CHANGES[name], seed=seed), wanted.rounds) for seed in range(1, wanted.seeds + 1)]
        per_seed = ", ".join("exploded" if end is None else f"{end[0]:.1f}" for end in ends)
        well = [end for end in ends if end]
        mean = sum(end[0] for end in well) / len(well) if well else 0
        on = sum(end[1] for end in well) / len(well) if well else 0
        seconds = (time.process_time() - started) / wanted.seeds
        print(f"| {name} | {mean:.1f} | {per_seed} | {on:.0%} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
