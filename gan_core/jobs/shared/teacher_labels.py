"""Labels of the teacher for the images of some ways, kept in a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.inputs import Progress, RealImages
from gan_core.evaluation.utility.arms import Pool
from gan_core.evaluation.utility.protocol import AGAIN
from gan_core.jobs.shared.deadline import Deadline
from gan_core.storage.workspace import atomic_write, read_json, write_json

TAUGHT = ("copies", "gan", AGAIN)  # real images with the same labels are the control: what those bring is not the GAN's


def with_labels(
    pools: Mapping[str, Pool], dataset: Path, real: RealImages, device: str, folder: Path, limit: Deadline
) -> tuple[dict[str, Pool], str]:
    """(the pools, with soft labels where there was time for them, and why there are none). Raises Stopped."""
    about = folder / "teacher.json"
    facts = read_json(about)
    if facts is None:
        facts = {"note": label(pools, dataset, real, device, folder, limit)}
        write_json(about, facts)
    found = dict(pools)
    for way in found:
        if soft_file(folder, way).exists():
            found[way] = found[way]._replace(soft=np.load(soft_file(folder, way), allow_pickle=False))
    return found, str(facts["note"])


def soft_file(folder: Path, way: str) -> Path:
    return folder / f"soft_{way}.npy"


def label(
    pools: Mapping[str, Pool], dataset: Path, real: RealImages, device: str, folder: Path, limit: Deadline
) -> str:
    """Write the labels of each way. Returns a sentence where some have none."""
    from gan_core.evaluation import teacher

    try:
        found = teacher.known(teacher.ready(dataset, real, device, limit.progress))
        for way in TAUGHT:
            if way in pools:
                soft = found.soft_labels(pools[way].images)
                write_array(soft_file(folder, way), soft)
    except UserError as error:
        return f"Without the labels of a teacher: {error.what}"
    except Stopped:
        limit.outer.check()
        return "Without the labels of a teacher, because they took longer than their share of the minutes."
    return ""


def alone(dataset: Path, real: RealImages, seed: int, progress: Progress) -> dict[str, Any]:
    """The teacher's own accuracy on the test images, as fields of Found; {} where the search had no teacher. Raises Stopped."""
    from gan_core.evaluation import teacher
    from gan_core.evaluation.utility.teacher_alone import teacher_alone

    if not (dataset / teacher.FILE).exists():
        return {}
    found = teacher.ready(dataset, real, progress=Progress(should_stop=progress.should_stop))
    row = teacher_alone([(found, real)], seed)
    return {"teacher": row.balanced_accuracy, "teacher_ci95": row.ci95}


def write_array(path: Path, values: np.ndarray) -> None:
    atomic_write(path, lambda file: np.save(file, values, allow_pickle=False))
