"""The networks of one evaluation: the extractor of the features, and the classifier of the classes."""

from typing import NamedTuple

from gan_core.evaluation.dataset_classifier import DatasetClassifier, as_extractor
from gan_core.evaluation.features.extractors import Extractor


class Networks(NamedTuple):
    """extractor: makes the features of the scores. refused: why the requested one is not available and another stands in, else ''.

    classifier: the dataset's, or None and no_classifier says why.
    """

    extractor: Extractor
    refused: str
    classifier: DatasetClassifier | None
    no_classifier: str

    @property
    def of_classes(self) -> Extractor:
        """Features that know the classes: the dataset classifier's, or those of the scores where there is none."""
        return self.extractor if self.classifier is None else as_extractor(self.classifier)
