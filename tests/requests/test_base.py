"""base.py: a request refuses what it cannot be, and reads the payloads of jobs, older ones too."""

import json

import pytest

from gan_core.errors import FieldErrors, UserError
from gan_core.export import plan, quality_filter
from gan_core.requests import (
    DetectRequest,
    EvaluateRequest,
    ExploreRequest,
    ExportModelRequest,
    ExportRequest,
    ImportRequest,
    InspectRequest,
    PreviewRequest,
    TimelapseRequest,
    UtilityRequest,
    VariantsRequest,
    WalkRequest,
)
from gan_core.requests.base import Request
from gan_core.requests.export import ALL_CHECKS, CHECKS

ENDS = {"from": {"class": "a", "number": 0}, "to": {"class": "b", "number": 3}}
REQUESTS: list[Request] = [
    ImportRequest(source="a.zip", choices={"split": "pool"}, background="#102030"),
    InspectRequest(seed=3),
    EvaluateRequest(samples=40, at=1000),
    UtilityRequest(runs="r2,r3", classifier="lite0", methods="gan=3,classical=1", policy={"flips": True}),
    DetectRequest(folder="/pictures"),
    ExploreRequest(class_name="a", truncation=0.5),
    WalkRequest(**ENDS, frames=5),
    VariantsRequest(class_name="a"),
    TimelapseRequest(format="gif"),
    ExportRequest(run="r1", balance={"a": 30}, checks="twin,label", removed={"a": [4]}, check_copies=False),
    ExportModelRequest(run="r1"),
    PreviewRequest(checks="none"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: type(one).__name__)
def test_a_payload_is_json_and_gives_the_same_request(request_):
    payload = json.loads(json.dumps(request_.payload()))
    assert type(request_).from_payload(payload | {"of_another_version": 1}) == request_


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: type(one).__name__)
def test_every_field_has_a_title(request_):
    assert all(info.title for info in type(request_).model_fields.values())


@pytest.mark.parametrize(
    ("model", "values", "refused"),
    [
        (ExportRequest, {"side": 4}, ["side"]),
        (ExportRequest, {"format": "bmp", "layout": "flat"}, ["format", "layout"]),
        (ExportRequest, {"balance": True}, ["balance"]),
        (ExportRequest, {"sied": 32}, ["sied"]),
        (ExportRequest, {"policy": {"flips": "what"}}, ["flips"]),
        (PreviewRequest, {"seed": -1}, ["seed"]),
        (EvaluateRequest, {"samples": 1, "draws": 21, "extractor": "vgg"}, ["samples", "draws", "extractor"]),
        (UtilityRequest, {"seeds": 1, "shots": 0, "updates": 0}, ["seeds", "shots", "updates"]),
        (UtilityRequest, {"classifier": "vgg"}, ["classifier"]),
        (ExploreRequest, {"truncation": 1.6}, ["truncation"]),
        (ExploreRequest, {"truncation": float("nan")}, ["truncation"]),
        (WalkRequest, ENDS | {"frames": 2}, ["frames"]),
        (VariantsRequest, {"class_name": "a", "strength": 1.5}, ["strength"]),
        (ImportRequest, {"source": "a", "size": 48, "mode": "CMYK", "fit": "zoom"}, ["size", "mode", "fit"]),
        (ImportRequest, {"source": "a", "test_fraction": 0.9}, ["test_fraction"]),
        (ImportRequest, {"source": "a", "choices": {"split": "all"}}, ["split"]),
    ],
)
def test_each_refused_field_has_a_sentence(model, values, refused):
    with pytest.raises(FieldErrors) as caught:
        model(**values)
    assert list(caught.value.fields) == refused
    assert all(text.endswith((".", "?")) for text in caught.value.fields.values())


@pytest.mark.parametrize(
    ("model", "values", "code"),
    [
        (ExportRequest, {"methods": "paint"}, "unknown_method"),
        (ExportRequest, {"methods": {"gan": -1}}, "bad_method"),
        (ExportRequest, {"methods": {"gan": 0}}, "no_method"),
        (ExportRequest, {"checks": ["beauty"]}, "unknown_check"),
        (EvaluateRequest, {"weights": "a.pt", "extractor": "referee"}, "unused_weights"),
        (ImportRequest, {"source": "a", "background": "pink"}, "bad_background"),
    ],
)
def test_what_two_words_decide_has_a_code_of_its_own(model, values, code):
    with pytest.raises(UserError) as caught:
        model(**values)
    assert caught.value.code == code


def test_another_value_is_checked_too():
    with pytest.raises(FieldErrors):
        PreviewRequest().replace(seed=-1)
    assert PreviewRequest().replace(seed=3).seed == 3


def test_the_first_exports_knew_no_methods_and_checked_labels_only():
    old = {"run": "r1", "balance": 25, "originals": True, "seed": 0, "check_labels": False}
    request = ExportRequest.from_payload(old)
    assert request.methods == {"gan": 1.0} and request.layout == "imagefolder" and request.checks == ()
    assert ExportRequest.from_payload(old | {"check_labels": True}).checks == CHECKS
    assert PreviewRequest.from_payload({"seed": 1, "check_labels": False}).checks == ()


def test_an_export_knows_the_formats_and_the_checks_of_a_request():
    assert tuple(quality_filter.CHECKS) == ALL_CHECKS
    for format in plan.FORMATS:
        assert ExportRequest(format=format).format == format


@pytest.mark.parametrize(
    ("typed", "at"), [("", None), (" ", None), ("newest", "newest"), ("120000", 120_000), ("120,000", 120_000), (7, 7)]
)
def test_a_checkpoint_is_the_newest_or_a_number(typed, at):
    request = EvaluateRequest(at=typed)
    assert request.at == at and EvaluateRequest.from_payload(request.payload()) == request


def test_no_other_word_names_a_checkpoint():
    with pytest.raises(UserError, match="'oldest' is no checkpoint"):
        ExportRequest(run="r1", at="oldest")
