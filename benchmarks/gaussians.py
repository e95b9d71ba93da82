"""25 Gaussians on a grid: seconds until a toy GAN has learnt all of them; goal under 60 s on a CPU, one thread.

    python benchmarks/gaussians.py [--seeds 3] [--steps 12000] [--stop]

The plain non-saturating loss beside the relativistic pair with R1 and R2. "found": a mode with one point of 2,500 within three
standard deviations, as in the papers; "learnt": with a fifth of its share of the points, which dust cannot give it. --stop ends a
game as soon as all are learnt.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.learn.settings import Settings
from gan_core.learn.toy import GAMMA, RATE, play

GAMES = {"plain": ("nonsaturating", 0.0), "relativistic + R1 + R2": ("relativistic", GAMMA)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--stop", action="store_true")
    wanted = parser.parse_args()
    for name, (loss, gamma) in GAMES.items():
        for seed in range(wanted.seeds):
            first, cpu = None, time.process_time()
            settings = Settings(shape="grid", loss=loss, gamma=gamma, lr_d=RATE, lr_g=RATE, seed=seed)
            for tick in play(settings, steps=wanted.steps):
                used = time.process_time() - cpu
                if first is None and tick.recovered:
                    first = f"all learnt at step {tick.step:,}, {tick.seconds:.1f} s, {used:.1f} s of CPU"
                    if wanted.stop:
                        break
            modes = tick.modes
            print(
                f"{name}, seed {seed}: {first or 'never all learnt'}; at step {tick.step:,} ({tick.seconds:.1f} s, {used:.1f} s of "
                f"CPU) {modes['found']} found, {modes['learnt']} learnt, {modes['quality']:.0%} of points on a mode, "
                f"KL {modes['kl']:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
