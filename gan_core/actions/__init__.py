"""The actions of pages and the command line: check the request against the workspace, give it an id, queue the job.

The bounds of a request stand in gan_core.requests. What depends on a run, a dataset or the disk is refused here with a UserError,
before anything is queued. Whoever may only look (Context.for_reading) is refused here too.
"""

import functools
from collections.abc import Callable
from typing import Any

from gan_core.actions.cleanup import clean, refresh_system_info, set_limits
from gan_core.actions.context import Context, trained_run
from gan_core.actions.dataset_health import curate, exclude, inspect, undo_exclusion
from gan_core.actions.datasets import discard_upload, earlier_request, import_dataset, locate, preview_import
from gan_core.actions.demo import (
    DEMO_IMPORT,
    DEMO_TOTAL,
    DEMO_TRAIN_IMAGES,
    LESSON_RECIPES,
    demo,
    demo_settings,
    lesson,
)
from gan_core.actions.evaluation import detect, evaluate, utility
from gan_core.actions.export import copy_export, export, export_model, preview
from gan_core.actions.generation import drawable, explore, timelapse, variants, walk
from gan_core.actions.improve import improve
from gan_core.actions.runs import (
    LONGEST_NAME,
    check_device,
    check_start,
    control_run,
    force_stop,
    likely_device,
    name_of_copy,
    possible_starts,
    probe,
    rename,
    resume,
    resume_lost,
    suggest,
    train,
)
from gan_core.actions.sweep import Outcome, delete_sweep, plan, resume_sweep, runs_of, stop_sweep, sweep
from gan_core.actions.trash import Deleted, Thing, delete, deleted, derived, undelete

CHANGES = (
    *(
        "clean",
        "set_limits",
        "refresh_system_info",
        "curate",
        "exclude",
        "inspect",
        "undo_exclusion",
        "discard_upload",
        "import_dataset",
    ),
    *(
        "locate",
        "preview_import",
        "demo",
        "lesson",
        "detect",
        "evaluate",
        "utility",
        "copy_export",
        "export",
        "export_model",
    ),
    *(
        "preview",
        "explore",
        "timelapse",
        "variants",
        "walk",
        "improve",
        "control_run",
        "force_stop",
        "probe",
        "rename",
        "resume",
    ),
    *("resume_lost", "train", "delete_sweep", "resume_sweep", "stop_sweep", "sweep", "delete", "undelete"),
)


def for_who_may_change(action: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(action)
    def checked(context: Context, *given: Any, **named: Any) -> Any:
        context.check_may_change()
        return action(context, *given, **named)

    return checked


for _name in CHANGES:
    globals()[_name] = for_who_may_change(globals()[_name])
