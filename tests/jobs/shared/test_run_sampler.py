"""What the quality filter of a run is made of."""

from types import SimpleNamespace

import pytest

from gan_core.evaluation import acceptance
from gan_core.export.quality_filter import EXPORT_TRUNCATION
from gan_core.jobs.shared.run_sampler import RunSampler


@pytest.mark.parametrize(
    ("checks", "classifier", "truncation"),
    [
        (("label", "realism"), SimpleNamespace(classifier=None, weights_hash="", accuracy=0.9), EXPORT_TRUNCATION),
        (("label", "realism"), None, 1.0),
        (("realism",), SimpleNamespace(classifier=None, weights_hash="", accuracy=0.9), 1.0),
    ],
    ids=["the label is checked", "there is no classifier", "the label is not checked"],
)
def test_the_detector_learns_from_images_that_are_drawn_as_those_of_the_export(
    workspace, toy_dataset, tiny, monkeypatch, checks, classifier, truncation
):
    """An image whose label is not checked is drawn without more noise; see QualityFilter.truncation_of."""
    sampler = RunSampler.__new__(RunSampler)
    sampler.workspace, sampler.config, sampler.info = workspace, tiny(), SimpleNamespace(classes=["a", "b"])
    learned = []
    monkeypatch.setattr(sampler, "label_classifier", lambda *_: (classifier, "" if classifier else "not checked."))
    monkeypatch.setattr(sampler, "lite0_realism", lambda folder, seed, truncation, stop: learned.append(truncation))
    monkeypatch.setattr(acceptance, "AcceptanceChecks", lambda *_, **__: None)
    sampler.quality_filter(workspace.dataset(toy_dataset), 0, checks, lambda *_: None, lambda: False)
    assert learned == [truncation]
