"""Typed requests, one model each for form, command line, job and JSON. What training takes is settings.schema.TrainConfig."""

from gan_core.requests.dataset_health import InspectRequest
from gan_core.requests.evaluation import DetectRequest, EvaluateRequest, UtilityRequest
from gan_core.requests.export import ExportModelRequest, ExportRequest, Policy, PreviewRequest
from gan_core.requests.generation import (
    ExploreRequest,
    SampleRequest,
    TimelapseRequest,
    VariantsRequest,
    WalkEnd,
    WalkRequest,
)
from gan_core.requests.import_dataset import Choices, ImportRequest
from gan_core.requests.improve import ImproveRequest
from gan_core.requests.sweep import SweepRequest
