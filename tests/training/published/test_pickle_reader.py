"""Pickles are read without running what they name."""

import io
import os
import pickle
from collections import OrderedDict

import pytest
import torch

from gan_core.training.published import pickle_reader
from tests.builders.published_files import Network, write_pickle


class Calls:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Settings(dict):
    """A subclass of dict, as settings are in published pickles."""


def read(content):
    return pickle_reader.read(io.BytesIO(pickle.dumps(content)))


def test_a_call_in_a_pickle_is_not_made(tmp_path):
    found = read({"harmless": 1, "call": Calls(os.mkdir, str(tmp_path / "made"))})
    assert not (tmp_path / "made").exists()
    assert found["harmless"] == 1 and found["call"].name.endswith(".mkdir")
    assert found["call"].parts == (str(tmp_path / "made"),)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_objects_become_records_of_what_they_held(protocol):
    content = {
        "options": Settings(a=1),
        "module": torch.nn.Linear(2, 3),
        "type": torch.float16,
        "size": torch.Size([4]),
    }
    found = pickle_reader.read(io.BytesIO(pickle.dumps(content, protocol)))
    assert isinstance(found["options"], pickle_reader.Inert) and found["options"].items == {"a": 1}
    assert found["size"] == (4,)
    weights = pickle_reader.state_dict_of(found["module"])
    assert all(torch.equal(weights[name], tensor) for name, tensor in content["module"].state_dict().items())


def test_the_network_of_a_persistent_pickle_is_read_beside_its_code(tmp_path):
    weights = {"a.b.weight": torch.randn(2, 3), "a.bias": torch.randn(3), "c": torch.randn(1)}
    path = write_pickle(tmp_path / "x.pkl", Network(weights))
    with open(path, "rb") as file:
        found = pickle_reader.state_dict_of(pickle_reader.read(file))
    assert found.keys() == weights.keys() and all(torch.equal(found[name], weights[name]) for name in weights)


def test_views_and_other_kinds_of_numbers_keep_their_values():
    whole = torch.arange(12.0).view(3, 4)
    content = [whole.T, whole[1:, ::2], torch.ones(2, dtype=torch.bfloat16), torch.tensor(3), torch.empty(0, 3)]
    for mine, other in zip(read(content), content, strict=True):
        assert mine.dtype == other.dtype and mine.shape == other.shape and torch.equal(mine, other)


@pytest.mark.parametrize(
    "place",
    [(0, (4,), (1,)), (2, (2,), (1,)), (0, (2, 2), (2, 1)), (-1, (1,), (1,)), (0, (2,), (-1,)), (0, (10**12,), (0,))],
)
def test_a_tensor_outside_its_storage_is_refused(place):
    storage = torch.zeros(3)._typed_storage()
    with pytest.raises(ValueError, match="storage"):
        pickle_reader.tensor_of(storage, *place)


@pytest.mark.parametrize("content", [{}, OrderedDict(), Calls(os.getpid), torch.zeros(1), "text"])
def test_what_is_no_network_is_refused(content):
    with pytest.raises(ValueError, match="no network"):
        pickle_reader.state_dict_of(read(content))


def test_a_network_within_itself_is_refused():
    inside = torch.nn.Module()
    inside._modules["again"] = inside
    with pytest.raises(ValueError, match="no network"):
        pickle_reader.state_dict_of(read(inside))
