"""Queue the search for what helps a classifier, and before it the training of a generator where the dataset has none."""

from gan_core.actions import runs
from gan_core.actions.context import Context, trained_run
from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import DatasetInfo
from gan_core.errors import UserError
from gan_core.evaluation.utility.found import obstacle
from gan_core.requests.improve import TRAINING_SHARE, ImproveRequest
from gan_core.settings import schema
from gan_core.storage import checkpoints
from gan_core.storage.store import Job, Run

LEAST_TRAINING_MINUTES = 0.5


def improve(context: Context, source: str, request: ImproveRequest, *, token: str | None = None) -> Job:
    """Queue the search for a run or a dataset. For a dataset without a usable run, a training that it waits for is queued first.

    The job's subject is the run or the dataset that is named. Raises UserError unknown_id, no_checkpoint.
    """
    request, training = prepare(context, source, request, token=token)
    return submit(context, source, request, token=token, after=training.id if training and training.live else None)


def prepare(
    context: Context, source: str, request: ImproveRequest, *, token: str | None = None
) -> tuple[ImproveRequest, Job | None]:
    """(the request with its run and dataset, the training that has to come first, or None).

    Of a dataset the newest run that can draw its classes is taken. Where there is none, or the images do not allow one, or nothing
    could be compared, the notes say so.
    """
    if not source.startswith("d"):
        run = trained_run(context, source, request.at)
        return request.replace(run=run.id, dataset=run.dataset_id), None
    dataset = context.store.dataset(source)
    request = request.replace(dataset=dataset.id)
    folder = context.workspace.dataset(dataset.id)
    dataset_folder.load(folder, "validation")  # an older dataset gets its validation split now
    info = dataset_folder.read_info(folder)
    if obstacle(info.classes, info.train_counts, info.validation_counts, info.test_counts):
        return request, None
    if existing := usable_run(context, dataset.id, request.run):
        said = f"The images are drawn by the run {existing.name}, which was there already."
        return request.replace(run=existing.id, notes=(*request.notes, said)), None
    return train_first(context, dataset.id, info, request, token)


def train_first(
    context: Context, dataset_id: str, info: DatasetInfo, request: ImproveRequest, token: str | None
) -> tuple[ImproveRequest, Job | None]:
    minutes = TRAINING_SHARE * request.minutes
    if minutes < LEAST_TRAINING_MINUTES:
        said = f"No generator was trained, because {request.minutes:g} minutes are too few for one."
        return request.replace(notes=(*request.notes, said)), None
    try:
        suggested = runs.suggest(info, runs.likely_device(context), minutes).settings
        settings = schema.build(suggested.model_dump() | {"minutes": minutes, "conditional": True})
        training = runs.train(context, dataset_id, settings, token=f"{token}-train" if token else None)
    except UserError as refused:
        said = f"No generator was trained: {refused.what}"
        return request.replace(notes=(*request.notes, said)), None
    said = (
        f"Of {request.minutes:g} minutes, {minutes:g} train a generator and {request.minutes - minutes:g} try the ways."
    )
    return request.replace(run=training.subject, training_minutes=minutes, notes=(*request.notes, said)), training


def submit(
    context: Context, source: str, request: ImproveRequest, *, token: str | None = None, after: str | None = None
) -> Job:
    """Queue a prepared request. after: the training that must finish first."""
    return context.submit("improve", source, request.payload(), token=token, after=after)


def usable_run(context: Context, dataset_id: str, wanted: str | None = None) -> Run | None:
    """The newest run of a dataset that has a checkpoint and draws by class. wanted: the only one that may be it."""
    return next(
        (
            run
            for run in context.store.runs()
            if wanted in (None, run.id)
            and run.dataset_id == dataset_id
            and run.config.get("conditional")
            and checkpoints.of_run(context.workspace.run(run.id))
        ),
        None,
    )
