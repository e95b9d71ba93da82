"""The picture and the speed on each recipe's card: GANVAS_THREADS=1 python benchmarks/recipe_pictures.py

    [RECIPE ...] [--seconds 30] [--from WORKSPACE ...]

Each recipe is trained for so many seconds of one core on the bundled digits, at 32 px or 28 px, and draws two images a class;
--from takes its longest run of another workspace instead, finished or stopped. A recipe that would show fewer than 3,000 images
in that time, or that draws neither size, gets its speed alone, and its card has no picture. Written:
assets/recipes/<recipe>.png and facts.json.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core import actions
from gan_core.actions import Context
from gan_core.data import dataset as dataset_folder
from gan_core.jobs import queue, worker
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.settings import recipes, schema
from gan_core.storage.store import Job, Run, Store
from gan_core.storage.workspace import Workspace
from gan_core.training import loop

OUT = Path(__file__).parent.parent / "assets" / "recipes"
SIDES, CLASSES, A_CLASS, WIDTH = (32, 28), 10, 2, 660  # px of the digits; of the picture
OF_A_RUN = ("seed", "device", "epochs", "minutes")  # settings that are of a run, whatever its recipe
LEAST_IMAGES, PROBE_SECONDS = 3_000, 2.0


def do(context: Context, job: Job) -> Job:
    """Carry out a job in this process."""
    worker.carry_out(context.store, context.workspace, job, queue.Watch(context.store, job))
    ended = context.store.job(job.id)
    assert ended.state == "finished", ended.error
    return ended


def images_per_core_second(settings: schema.TrainConfig, data) -> float:
    """By the processor's clock, so that what else the machine does counts for nothing."""
    wall, core = time.monotonic(), time.process_time()
    speed = loop.probe(settings, data, PROBE_SECONDS, lambda: False)["images_per_second"]
    return speed * (time.monotonic() - wall) / max(time.process_time() - core, 1e-9)


def picture(drawn: RunSampler) -> Image.Image:
    """The first images of at most ten classes, a column for each class."""
    classes = min(CLASSES, len(drawn.info.classes))
    per_class = A_CLASS * CLASSES // classes if classes < CLASSES / 2 else A_CLASS
    columns = classes * per_class // A_CLASS
    images = drawn.draw(np.repeat(np.arange(classes), per_class), seed=0)
    cells = images.reshape(columns, A_CLASS, *images.shape[1:])  # [columns, 2, S, S, C]
    sheet = np.concatenate([np.concatenate(list(column), axis=0) for column in cells], axis=1).squeeze()
    times = max(1, WIDTH // sheet.shape[1])
    large = Image.fromarray(sheet.repeat(times, 0).repeat(times, 1))
    return large if large.width <= WIDTH else large.resize((WIDTH, large.height * WIDTH // large.width))


def keep(context: Context, run: Run) -> dict:
    """Write the picture of a finished run; what its card says of it."""
    drawn = RunSampler(run, context.workspace)
    status = json.loads((context.workspace.run(run.id) / "status.json").read_text())
    picture(drawn).quantize(64).save(OUT / f"{run.config['recipe']}.png", optimize=True)
    facts = {"dataset": drawn.info.name, "images_seen": drawn.images_seen, "seconds": round(status["elapsed_seconds"])}
    own = recipes.start(
        run.config["recipe"], size=drawn.info.size, train_images=sum(drawn.info.train_counts)
    ).model_dump()
    changed = {
        key: value for key, value in drawn.config.model_dump().items() if key not in OF_A_RUN and value != own.get(key)
    }
    return facts | {"device": status["device"], **({"changed": changed} if changed else {})}


def elsewhere(places: list[Path], recipe: str) -> tuple[Context, Run] | None:
    for place in places:
        context = Context(Store(Workspace(place)), Workspace(place))
        runs = {run.id: run for run in context.store.runs() if run.config["recipe"] == recipe}
        ended = [job for job in context.store.jobs(kind="train", states=("finished", "stopped")) if job.subject in runs]
        if shown := [(job.result["images_seen"], job.subject) for job in ended if job.result]:
            return context, runs[max(shown)[1]]
    return None


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("recipe", nargs="*", default=list(recipes.RECIPES))
    ask.add_argument("--seconds", type=float, default=30.0)
    ask.add_argument("--from", dest="places", action="append", type=Path, default=[])
    asked = ask.parse_args()
    OUT.mkdir(exist_ok=True)
    file = OUT / "facts.json"
    facts = json.loads(file.read_text()) if file.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        context = Context(Store(Workspace(folder)), Workspace(folder), in_this_process=True)
        datasets: dict[int, str] = {}
        for name in asked.recipe:
            started, recipe = time.monotonic(), recipes.RECIPES[name]
            side = next((side for side in SIDES if side in recipe.sizes), recipe.sizes[0])
            if side not in datasets:
                source = actions.import_dataset(context, actions.DEMO_IMPORT.replace(size=side))
                datasets[side] = do(context, source).subject
            data = dataset_folder.load(context.workspace.dataset(datasets[side]), "train")
            settings = recipes.start(name, size=side, train_images=len(data.labels))
            speed, said = 0.0, {"size": side}
            if recipe.config.family != "progressive":  # its first steps draw 4 px, and say nothing of the later ones
                speed = images_per_core_second(settings, data)
                said["images_per_second"] = round(speed, 1)
            if found := elsewhere(asked.places, name):
                said |= keep(*found)
            elif side in SIDES and speed * asked.seconds >= LEAST_IMAGES:
                values = settings.model_dump() | {"epochs": round(speed * asked.seconds / len(data.labels), 1)}
                job = do(context, actions.train(context, datasets[side], schema.build(values)))
                said |= keep(context, context.store.run(job.subject))
            facts[name] = said
            file.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
            print(f"{name:<18} {time.monotonic() - started:5.1f} s  {json.dumps(said)}", flush=True)


if __name__ == "__main__":
    main()
