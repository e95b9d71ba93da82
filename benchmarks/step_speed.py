"""Images a second of the train step against another commit of this repository: same settings, images, seed and machine, in one run.

    python benchmarks/step_speed.py [--reference COMMIT] [--recipe quick] [--sizes 28,64] [--blocks 9] [--steps 2]

The other commit is checked out into a temporary worktree. Two processes of one thread each, one for each tree, take blocks of steps
in turn; the CPU time of a block counts, so that other work on the machine hurts both alike, and the ratio is the median over pairs
of blocks. Both take the settings that the recipe had at the reference. The steps are the same computation where the ratio of
weights is small: the difference of G's and D's weights between the trees after the first steps, divided by the way that they went.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
REFERENCE = "e13760b"
COMPARED_STEPS = 3


def serve(root: str, recipe: str, size: int, settings: str) -> None:
    """Take the steps that are asked for on stdin: `settings`, `weights FILE` or a number of steps; answer in one line each."""
    sys.path.insert(0, root)
    import time

    import numpy as np
    import torch

    from gan_core.settings import recipes
    from gan_core.settings.schema import TrainConfig
    from gan_core.training import device, step
    from gan_core.training.batches import BatchSampler, TrainingSet

    cpu = torch.device("cpu")
    device.prepare(cpu)
    torch.set_num_threads(1)
    config = TrainConfig(**json.loads(settings)) if settings else recipes.start(recipe, size=size, train_images=5000)
    numbers, channels = np.random.default_rng(0), 1 if size == 28 else 3
    images = numbers.integers(0, 255, (500, size, size, channels)).astype(np.uint8)
    data = TrainingSet(images, np.arange(500) % 10, [str(number) for number in range(10)])
    sampler = BatchSampler(data, config, cpu)
    state = step.new_state(config, size=size, channels=channels, num_classes=10, device=cpu)
    for line in sys.stdin:
        match line.split():
            case ["settings"]:
                print(json.dumps(config.model_dump()), flush=True)
            case ["weights", path]:
                torch.save([p.detach() for net in (state.G, state.D) for p in net.parameters()], path)
                print("saved", flush=True)
            case [count]:
                started = time.process_time()
                for _ in range(int(count)):
                    step.train_step(state, *sampler(), config, 0.1)
                print(time.process_time() - started, flush=True)


class Tree:
    """One checkout with its process."""

    def __init__(self, root: Path, recipe: str, size: int, settings: str = "") -> None:
        command = [sys.executable, __file__, "--serve", str(root), recipe, str(size), settings]
        one_thread = {**os.environ, "GANVAS_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, cwd=root, env=one_thread, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, words: str) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        if not (answer := self.process.stdout.readline()):
            raise SystemExit("A process ended; its message is above.")
        return answer.strip()

    def weights(self, path: Path) -> list[Any]:
        import torch

        self.ask(f"weights {path}")
        return torch.load(path)

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def compare(reference: Path, recipe: str, size: int, blocks: int, steps: int) -> dict[str, Any]:
    before = Tree(reference, recipe, size)
    settings = before.ask("settings")
    now = Tree(ROOT, recipe, size, settings)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        first = before.weights(path)
        for tree in (before, now):
            tree.ask(str(COMPARED_STEPS))
        last, mine = before.weights(path), now.weights(path)
    way = sum((a - b).square().sum() for a, b in zip(first, last, strict=True))
    apart = sum((a - b).square().sum() for a, b in zip(mine, last, strict=True))
    pairs = [[float(tree.ask(str(steps))) for tree in (before, now)] for _ in range(blocks)]
    for tree in (before, now):
        tree.end()
    ratios = [a / b for a, b in pairs]
    batch = json.loads(settings)["batch"]
    return {
        "size": size,
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 2) for ratio in sorted(ratios)],
        "images_per_cpu_second": [
            round(batch * steps / statistics.median(times)) for times in zip(*pairs, strict=True)
        ],
        "ratio_of_weights": float((apart / way) ** 0.5),
    }


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        root, recipe, size, settings = sys.argv[2:]
        return serve(root, recipe, int(size), settings)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", default=REFERENCE)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--sizes", default="28,64")
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--steps", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "reference"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", str(tree), arguments.reference], check=True, capture_output=True)
        try:
            for size in map(int, arguments.sizes.split(",")):
                found = compare(tree, arguments.recipe, size, arguments.blocks, arguments.steps)
                print(json.dumps({"recipe": arguments.recipe, "reference": arguments.reference, **found}), flush=True)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True, capture_output=True)


if __name__ == "__main__":
    main()
