"""Queue the demo, and the lesson on mode collapse: an import of digits, and runs that start after it."""

import contextlib

from gan_core.actions.context import Context
from gan_core.actions.datasets import import_dataset
from gan_core.actions.runs import new_run
from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.requests import ImportRequest
from gan_core.settings import recipes, schema
from gan_core.storage.store import Job

DEMO_IMPORT = ImportRequest(source="demo:digits", name="Handwritten digits", size=32)
DEMO_TRAIN_IMAGES = 1300  # of the 1,797 digits, without validation and test; checked by a test
DEMO_TOTAL = 200  # images a class in the demo's zip; each digit has about 130 real ones to train on


def demo_settings(minutes: float) -> schema.TrainConfig:
    """The default recipe on the digits, ended by the clock."""
    settings = recipes.start("quick", size=DEMO_IMPORT.size, train_images=DEMO_TRAIN_IMAGES)
    return schema.build(settings.model_dump() | {"minutes": minutes, "epochs": 1_000_000.0})


def demo(context: Context, *, minutes: float = 1.0, token: str | None = None) -> tuple[Job, Job]:
    """Queue the demo: (import job, training job); the second waits for the first."""
    settings = demo_settings(minutes)
    importing = import_dataset(context, DEMO_IMPORT, token=f"{token}-import" if token else None)
    return importing, new_run(context, importing.subject, settings, "Digits demo", token=token, after=importing.id)


LESSON_RECIPES = ("teach-collapse", "teach-cure")
LESSON_EPOCHS = 16.0  # some 20,000 images, by which both look as docs/recipes.md says


def lesson(context: Context, *, epochs: float = LESSON_EPOCHS, token: str | None = None) -> list[Job]:
    """Queue the lesson on mode collapse: the digits, and one run of each recipe on them, as many images and the same seed.

    Returns the training jobs, in order. Digits that an earlier lesson or demo imported are used again.
    """
    wanted = [recipes.start(name, size=DEMO_IMPORT.size, train_images=DEMO_TRAIN_IMAGES) for name in LESSON_RECIPES]
    settings = [schema.build(one.model_dump() | {"epochs": epochs}) for one in wanted]
    after, dataset = None, digits(context)
    if dataset is None:
        importing = import_dataset(context, DEMO_IMPORT, token=f"{token}-import" if token else None)
        after, dataset = importing.id, importing.subject
    names = ("Lesson: collapse", "Lesson: cure")
    return [
        new_run(context, dataset, one, name, token=f"{token}-{name}" if token else None, after=after)
        for one, name in zip(settings, names, strict=True)
    ]


def digits(context: Context) -> str | None:
    """The newest dataset that holds the digits of the demo unchanged."""
    for dataset in context.store.datasets():
        with contextlib.suppress(UserError):
            info = dataset_folder.read_info(context.workspace.dataset(dataset.id))
            if info.source == {"kind": "demo", "name": "digits"} and info.size == DEMO_IMPORT.size and info.seed == 0:
                return dataset.id
    return None
