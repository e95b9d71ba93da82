"""The request to check a dataset for faults."""

from gan_core.requests.base import Request, Seed, field


class InspectRequest(Request):
    """Look for near copies, wrong labels, odd images and other faults of a dataset."""

    seed: Seed = field(0, "Seed", "Chooses the images that are compared, where there are too many to compare all.")
