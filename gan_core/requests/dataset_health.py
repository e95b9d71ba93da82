"""The request to check a dataset for faults."""

from gan_core.requests.base import Request, Seed, field


class InspectRequest(Request):
    """Check a dataset for near duplicates, wrong labels, outliers and other faults."""

    seed: Seed = field(0, "Seed", "Chooses the images that are compared, where there are too many to compare all.")
