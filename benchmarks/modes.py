"""How many known modes does a run draw? For ready sets whose modes are known: stacked digits (1,000), shapes.

    python -m gan_core import demo:stacked-digits --size 32
    python -m gan_core train d... --recipe quick --minutes 6
    python benchmarks/modes.py [--workspace DIR] RUN [--samples 25600]

`evaluate` draws at most as many images as there are real ones, too few to meet each of 1,000 modes; the measure of the
papers (arXiv:1611.02163) is over 25,600. Every checkpoint that the run still has is counted. Goal: 990 of 1,000.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.data.ready_sets import known_modes
from gan_core.evaluation.mode_counting import KnownModes
from gan_core.jobs.shared.evaluation_inputs import splits
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.storage import checkpoints
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, default_workspace

BATCH = 256
SEED = 5  # of the noise; differs from the seeds of evaluations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--samples", type=int, default=25_600)
    arguments = parser.parse_args()
    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    run = Store(workspace).run(arguments.run)
    for seen in sorted(checkpoints.of_run(workspace.run(run.id))):
        generator = RunSampler(run, workspace, seen)
        folder = workspace.dataset(run.dataset_id)
        known_of = known_modes(folder, generator.info)
        if known_of is None:
            sys.exit("The modes of this dataset are not known: import demo:stacked-digits or demo:shapes.")
        labels = np.arange(arguments.samples) % len(generator.info.classes)
        starts = range(0, arguments.samples, BATCH)
        images = [generator.draw(labels[start : start + BATCH], seed=SEED, start=start) for start in starts]
        known = KnownModes(known_of.kind, splits(folder)[0].images, known_of.train, known_of.names)
        found = known.count(np.concatenate(images))
        summary = {key: found[key] for key in ("found", "of", "kl", "rejected")}
        print(json.dumps({"images_seen": seen, "samples": arguments.samples, **summary}), flush=True)


if __name__ == "__main__":
    main()
