"""The exceptions that a page or the command line prints, and the list of their codes."""

import re
from typing import Literal

# fmt: off
Code = Literal[
    # what a request names is not there, or may be meant twice
    "unknown_id", "several_meant", "deleted_run", "deleted_dataset", "not_in_trash", "unknown_class", "unknown_demo",
    "unknown_ready_set", "unknown_recipe", "unknown_extractor", "unknown_finding", "unknown_kind", "unknown_check",
    "unknown_method", "unknown_loss", "unknown_toy", "unknown_shapes", "no_dataset", "no_run", "no_recipe",
    "no_such_frames", "no_such_picture", "no_such_path", "no_such_folder", "no_folder", "no_source", "no_upload",
    # a value that cannot be
    "bad_settings", "bad_set", "bad_name", "bad_seed", "bad_seeds", "bad_shots",
    "bad_freeze", "bad_batch", "bad_days", "bad_limit", "bad_balance", "bad_method", "bad_format", "bad_background",
    "bad_test_fraction", "bad_gamma", "bad_moves", "bad_drawing", "bad_out", "nothing_named", "named_twice",
    "no_method", "no_way", "no_walk", "unused_weights",
    # a file that is read or written
    "not_json", "no_settings", "other_schema", "settings_too_large", "too_large", "not_writable", "out_is_a_folder", "out_exists",
    "bad_folder", "disk_full", "unsaved", "newer_dataset", "damaged_dataset", "newer_workspace",
    "index_busy", "original_gone",
    # an import
    "not_a_zip", "empty_zip", "encrypted", "bomb", "duplicate_name", "unsafe_name", "unsupported_compression",
    "corrupt_archive", "no_class_folders", "no_images", "one_class", "too_many_classes", "too_many_files",
    "too_many_images",
    # a step that must come first, or has no sense here
    "no_checkpoint", "damaged_checkpoints", "no_grids", "no_detector", "not_inspected", "too_few_images", "empty_class",
    "no_test_images", "no_validation_images", "knows_nothing",
    "no_variety", "ignored_labels", "not_padded", "not_smooth", "nothing_left", "nothing_found", "nothing_to_add", "nothing_to_do",
    "nothing_to_exclude", "nothing_kept", "copies", "other_images", "other_networks", "other_shape", "other_weights",
    # weights, packages and devices
    "bad_weights", "bad_detector", "bad_features", "bad_download", "no_weights", "no_network", "no_av", "no_onnx",
    "no_gpu", "gpu_fault", "out_of_memory", "too_old",
    # the queue and the runs in it
    "already_ended", "already_finished", "already_running", "not_running", "not_waiting", "queue_changed",
    "run_in_use", "in_use", "over_limit", "no_worker", "predecessor", "interrupted", "crashed", "diverged", "bug",
    "too_many_runs", "uneven_runs", "no_sweep", "no_cluster", "cluster_refused", "cluster_ended",
    # the server
    "bad_token", "bad_login", "open_address", "no_server", "only_reads",
    # the laboratory of the Learn page
    "lab_broke", "lab_full",
]
# fmt: on


class UserError(Exception):
    """A request that cannot be carried out. The person who made it reads why.

    code: for tests and scripts; it stays the same when the sentences change. what: one sentence, what is wrong. todo: one
    sentence, the next step. Any other exception is a fault of the program and keeps its traceback.
    """

    def __init__(self, code: Code, what: str, todo: str):
        super().__init__(code, what, todo)
        self.code, self.what, self.todo = code, what, todo

    def __str__(self) -> str:
        return f"{self.what} {self.todo}"


class FieldErrors(UserError):
    """Settings that were refused, field by field. fields: {field name: one sentence}."""

    def __init__(self, fields: dict[str, str]):
        super().__init__("bad_settings", " ".join(fields.values()), "Change the named settings and try again.")
        self.fields = fields

    def __reduce__(self) -> tuple[type, tuple[dict[str, str]]]:
        return type(self), (self.fields,)


# cuBLAS, cuDNN and NCCL have words of their own; a cuBLAS handle that cannot be made found no room for its workspace.
OUT_OF_MEMORY = re.compile(
    r"out ?of ?memory|can't allocate memory|cannot allocate memory|not enough memory|unable to allocate|bad_alloc"
    r"|defaultcpuallocator|ALLOC(ATION)?_FAILED|cudaErrorMemoryAllocation|unable to find a valid cuDNN algorithm"
    r"|CUBLAS_STATUS_NOT_INITIALIZED when calling `?cublas\w*Create",
    re.IGNORECASE,
)


class Stopped(Exception):
    """The user asked a job to stop. A handler raises it after cleaning up; nobody sees it."""


class Overtaken(Exception):
    """Another process carries on with this run, so this one must not write into its folder any more; nobody sees it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a CPU or a GPU; without torch, whose own errors are recognized by their message."""
    return isinstance(error, MemoryError) or OUT_OF_MEMORY.search(str(error)) is not None
