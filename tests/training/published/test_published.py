"""Published weights: which files are read, what is taken of them, and what is refused with which next step."""

import os
import pickle

import pytest
import torch

from gan_core.errors import UserError
from gan_core.models.guided import GuidedDiscriminator
from gan_core.training import published, step, transfer
from gan_core.training.published import fastgan, fit, r3gan, stylegan2_ada
from tests.builders import published_files
from tests.builders.published_files import Network, write_pickle

CPU = torch.device("cpu")
STYLES = {"family": "stylegan2-lite", "z_dim": 16, "width": 16, "mapping_layers": 8, "normalize_z": True}
STYLES |= {"image_border": "zero", "minibatch_std": True, "condition": "mapped"}
RESIDUAL = {"family": "r3gan", "z_dim": 8, "width": 32}
FAST = {"family": "fastgan", "z_dim": 16, "width": 4, "loss": "hinge", "penalty": "none", "published_layers": True}


def fresh(config, size=32, classes=1):
    return step.new_state(config, size=size, channels=3, num_classes=classes, device=CPU)


def styles_file(path, **shape):
    networks = {name: Network(weights) for name, weights in published_files.stylegan2_ada(**shape).items()}
    return write_pickle(path, {"training_set_kwargs": {"path": "x"}, "augment_pipe": None, **networks})


def residual_file(path, **shape):
    networks = {name: Network(weights) for name, weights in published_files.r3gan(**shape).items()}
    return write_pickle(path, {"cur_nimg": 5, **networks})


def loaded(path, config, size=32, classes=1):
    """(state, report, the file's weights)."""
    state = fresh(config, size, classes)
    found = published.read_for(path, config, size, 3)
    return state, transfer.load_weights_from(state, found, lambda text: None), found


def test_all_of_a_stylegan2_is_taken_by_name(tiny, tmp_path):
    state, report, found = loaded(styles_file(tmp_path / "a.pkl"), tiny(**STYLES))
    assert report["layout"] == "StyleGAN2-ADA" and report["G"]["share"] == report["D"]["share"] == 1
    assert (
        not report["G"]["fresh"]
        and not report["D"]["fresh"]
        and not report["G"]["unused"]
        and not report["D"]["unused"]
    )
    G, D = state.G_ema, state.D
    pairs = [
        (G.start[0], found.G["synthesis.b4.const"]),
        (G.ups[2].conv.weight, found.G["synthesis.b32.conv0.weight"]),
        (G.convs[0].conv.style.bias, found.G["synthesis.b8.conv1.affine.bias"]),
        (G.to_image[1].conv.weight, found.G["synthesis.b8.torgb.weight"]),
        (G.mapping.more[5].weight, found.G["mapping.fc7.weight"]),
        (G.first.still[0, 0], found.G["synthesis.b4.conv1.noise_const"]),
        (D.from_image.weight, found.D["b32.fromrgb.weight"]),
        (D.blocks[0].conv2.weight, found.D["b32.conv1.weight"]),
        (D.blocks[2].shortcut.weight, found.D["b8.skip.weight"]),
        (D.head.weight, found.D["b4.out.weight"]),
    ]
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
    assert all(torch.equal(a, b) for a, b in zip(state.G.state_dict().values(), G.state_dict().values(), strict=True))
    assert torch.isfinite(G(torch.randn(2, 16), torch.zeros(2, dtype=torch.int64))).all()


def test_weights_without_classes_draw_the_same_whatever_the_class(tiny, tmp_path):
    state, report, _ = loaded(styles_file(tmp_path / "a.pkl"), tiny(**STYLES), classes=3)
    weight = state.G_ema.mapping.first.weight
    assert weight.shape == (16, 32) and not weight[:, 16:].any()
    G, z = state.G_ema.eval(), torch.randn(3, 16)
    one, other = G(z, torch.tensor([0, 0, 0])), G(z, torch.tensor([0, 1, 2]))
    assert torch.allclose(one, other)
    alone, _, _ = loaded(tmp_path / "a.pkl", tiny(**STYLES, conditional=False))
    assert torch.allclose(one, alone.G_ema.eval()(z, torch.zeros(3, dtype=torch.int64)), atol=1e-5)
    assert "mapping.embed.weight" in report["G"]["fresh"]


def test_class_embeddings_are_never_taken(tiny, tmp_path):
    state, report, found = loaded(styles_file(tmp_path / "a.pkl", classes=3), tiny(**STYLES), classes=3)
    assert torch.equal(state.D.mapped.layers[4].weight, found.D["mapping.fc4.weight"])
    assert torch.equal(state.G.mapping.first.weight, found.G["mapping.fc0.weight"])
    assert report["G"]["unused"] == ["mapping.embed.weight", "mapping.embed.bias"]
    start = fresh(tiny(**STYLES), classes=3)
    assert torch.equal(state.G.mapping.embed.weight, start.G.mapping.embed.weight)


def test_a_smaller_stylegan2_takes_the_coarse_sizes(tiny, tmp_path):
    state, report, found = loaded(styles_file(tmp_path / "a.pkl", size=64), tiny(**STYLES))
    assert report["G"]["share"] == 1 and "synthesis.b64.conv0.weight" in report["G"]["unused"]
    assert torch.equal(state.D.blocks[0].conv1.weight, found.D["b32.conv0.weight"])
    assert report["D"]["fresh"] == ["from_image.weight", "from_image.bias"]


@pytest.mark.parametrize("classes", [0, 3])
def test_an_r3gan_is_taken_by_name(tiny, tmp_path, classes):
    state, report, found = loaded(residual_file(tmp_path / "a.pkl", classes=classes), tiny(**RESIDUAL), classes=3)
    assert report["layout"] == "R3GAN" and report["G"]["share"] == 1
    G, D = state.G_ema, state.D
    pairs = [
        (G.stages[0][0].basis, found.G["Model.MainLayers.0.Layers.0.Basis"]),
        (G.stages[3][2].look.bias, found.G["Model.MainLayers.3.Layers.2.NonLinearity2.Bias"]),
        (G.to_image.weight, found.G["Model.AggregationLayer.Layer.weight"]),
        (G.stages[0][0].mix.weight[:, :8], found.G["Model.MainLayers.0.Layers.0.LinearLayer.weight"][:, :8]),
        (D.stages[0][1].narrow.weight, found.D["Model.MainLayers.0.Layers.1.LinearLayer3.Layer.weight"]),
        (D.stages[3][2].basis.weight, found.D["Model.MainLayers.3.Layers.2.Basis.weight"]),
    ]
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
    assert "embed.weight" in report["G"]["fresh"] and "embed.weight" in report["D"]["fresh"]
    assert bool(G.stages[0][0].mix.weight[:, 8:].any()) == bool(classes)


@pytest.mark.slow
def test_g_of_a_fastgan_is_taken_by_name(tiny, tmp_path):
    weights = published_files.fastgan()
    torch.save({"g": weights, "d": {"x": torch.zeros(1)}}, tmp_path / "a.pth")
    state, report, _ = loaded(tmp_path / "a.pth", tiny(**FAST), size=64, classes=3)
    net = state.G_ema.net
    assert report["G"]["share"] == 1 and not report["G"]["unused"]
    original = lambda layer: layer.parametrizations.weight.original
    assert torch.equal(original(net.stages[1].convs[0]), weights["feat_16.1.weight_orig"])
    assert torch.equal(net.stages[2].noises[1].amount, weights["feat_32.6.weight"][0])
    assert torch.equal(net.stages[0].norms[1].running_var, weights["feat_8.7.running_var"])
    assert torch.equal(original(net.gates["64"].gate), weights["se_64.main.3.weight_orig"])
    assert not original(net.stem)[16:].any() and not state.D.near_head.head.plain.bias.any()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("down_from_big.0.weight_orig", "near.first.0.parametrizations.weight.original"),
        ("down_4.main.3.weight_orig", "near.downs.0.main.3.parametrizations.weight.original"),
        ("down_64.direct.2.running_var", "near.downs.4.short.2.running_var"),
        ("se_2_16.main.1.weight_u", "near.gates.32.look.parametrizations.weight.0.u"),
        ("se_8_64.main.3.weight_orig", "near.gates.8.gate.parametrizations.weight.original"),
        ("rf_big.3.weight_orig", "near_head.head.plain.parametrizations.weight.original"),
        ("down_from_small.2.main.1.bias", "far.downs.0.1.bias"),
        ("decoder_part.main.4.2.weight", "draw_part.stages.3.norms.0.weight"),
        ("decoder_big.main.5.weight_orig", "draw_near.to_image.parametrizations.weight.original"),
        ("other.main.9.num", None),
    ],
)
def test_the_layers_of_a_fastgans_d_have_our_names(theirs, ours):
    assert fastgan.names_D(theirs, 0) == ours


def test_the_averages_of_a_fastgan_replace_the_parameters_of_its_g(tmp_path):
    weights = published_files.fastgan()
    names = [name for name in weights if not name.endswith(published.BUFFERS)]
    averages = [weights[name] + 1 for name in names]
    torch.save({"g": weights, "d": {}, "g_ema": averages, "opt_g": {"state": {}}}, tmp_path / "all_1.pth")
    found = published.read(tmp_path / "all_1.pth")
    assert all(torch.equal(found.G[name], weights[name] + (name in names)) for name in weights) and found.D is None


def test_a_guided_d_starts_from_the_published_d(tiny, tmp_path):
    config = tiny(**STYLES, guide=True)
    state, _, found = loaded(styles_file(tmp_path / "a.pkl"), config, classes=3)
    assert isinstance(state.D, GuidedDiscriminator)
    assert torch.equal(state.D.D.blocks[0].conv1.weight, found.D["b32.conv0.weight"])


def test_a_file_of_tensors_alone_gives_g_and_leaves_d_fresh(tiny, tmp_path):
    from safetensors.torch import save_file

    save_file(published_files.r3gan()["G_ema"], tmp_path / "g.safetensors")
    _, report, _ = loaded(tmp_path / "g.safetensors", tiny(**RESIDUAL))
    assert report["G"]["share"] == 1 and "D" not in report and "starts fresh" in report["sentence"]


@pytest.mark.parametrize(
    ("changes", "size", "channels", "named"),
    [
        ({"width": 32}, 32, 3, ["width"]),
        ({"z_dim": 64, "normalize_z": False}, 32, 3, ["z_dim", "normalize_z"]),
        ({"mapping_layers": 2}, 32, 3, ["mapping_layers"]),
        ({}, 64, 3, ["size"]),
        ({}, 32, 1, ["channels"]),
    ],
)
def test_weights_of_another_size_are_refused_with_the_settings_that_they_need(
    tiny, tmp_path, changes, size, channels, named
):
    path = styles_file(tmp_path / "a.pkl")
    found = published.read(path).obstacles(tiny(**STYLES | changes), size, channels)
    assert list(found) == named
    with pytest.raises(UserError) as caught:
        published.read_for(path, tiny(**STYLES | changes), size, channels)
    assert caught.value.code == "other_shape"
    words = {"size": "import the images at 32 px", "channels": "import the images in colour"}
    assert all(words.get(name, name).lower() in caught.value.todo.lower() for name in named)


def test_another_family_is_refused(tiny, tmp_path):
    with pytest.raises(UserError) as caught:
        published.read_for(residual_file(tmp_path / "a.pkl"), tiny(), 32, 3)
    assert caught.value.code == "other_shape" and "family to r3gan" in caught.value.todo


def test_channels_that_our_networks_cannot_have_are_refused(tiny, tmp_path):
    weights = published_files.stylegan2_ada()
    for name in [name for name in weights["G_ema"] if "b16" in name or "b32" in name]:
        weights["G_ema"][name] = torch.zeros(99, 99)
    weights["G_ema"]["synthesis.b32.torgb.weight"] = torch.zeros(3, 99, 1, 1)
    path = write_pickle(tmp_path / "a.pkl", {name: Network(net) for name, net in weights.items()})
    with pytest.raises(UserError) as caught:
        loaded(path, tiny(**STYLES))
    assert caught.value.code == "other_shape"


class Calls:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def pickled(path, value):
    path.write_bytes(pickle.dumps(value))


def saved(path, value):
    torch.save(value, path)


@pytest.mark.parametrize(
    ("name", "write", "code"),
    [
        ("code.pkl", lambda path: pickled(path, {"G_ema": Calls(path.parent / "made")}), "bad_weights"),
        ("code.pth", lambda path: saved(path, {"g": Calls(path.parent / "made")}), "bad_weights"),
        ("model.pth", lambda path: saved(path, torch.nn.Linear(2, 2)), "bad_weights"),
        ("text.pkl", lambda path: path.write_text("not weights"), "bad_weights"),
        ("empty.pth", lambda path: path.write_bytes(b""), "bad_weights"),
        ("cut.pkl", lambda path: path.write_bytes(styles_file(path).read_bytes()[:-900]), "bad_weights"),
        ("zip.pth", lambda path: path.write_bytes(b"PK\x03\x04" + b"0" * 50), "bad_weights"),
        ("length.pkl", lambda path: path.write_bytes(b"\x80\x05\x95" + b"\xff" * 8), "bad_weights"),
        ("header.safetensors", lambda path: path.write_bytes(b"\xff" * 40), "bad_weights"),
        ("other.pth", lambda path: saved(path, {"conv.weight": torch.zeros(3)}), "other_weights"),
        ("list.pkl", lambda path: pickled(path, [1, 2]), "bad_weights"),
        ("nan.pth", lambda path: saved(path, {"synthesis.b4.const": torch.full((3,), torch.nan)}), "bad_weights"),
        ("half.pth", lambda path: saved(path, {"synthesis.b4.const": torch.zeros(4, 4, 4)}), "bad_weights"),
    ],
)
def test_other_files_are_refused_in_a_sentence_and_nothing_in_them_is_run(tiny, tmp_path, name, write, code):
    write(tmp_path / name)
    with pytest.raises(UserError) as caught:
        published.read_for(tmp_path / name, tiny(**STYLES), 32, 3)
    assert caught.value.code == code and name in caught.value.what and caught.value.todo
    assert not (tmp_path / "made").exists()


def test_code_beside_tensors_has_a_next_step_of_its_own(tmp_path):
    saved(tmp_path / "a.pth", {"g": Calls(tmp_path / "made")})
    with pytest.raises(UserError, match="code"):
        published.read(tmp_path / "a.pth")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError) as caught:
        published.read(tmp_path / "none.pkl")
    assert caught.value.code == "no_such_path"


@pytest.mark.parametrize("layout", published.LAYOUTS, ids=lambda layout: layout.title)
def test_names_that_are_not_known_have_no_place(layout):
    assert layout.names_G("something.else", 4) is None and layout.names_D("b64.odd.weight", 2) is None


def test_layouts_are_told_apart():
    marks = [stylegan2_ada.LAYOUT.mark, r3gan.LAYOUT.mark, fastgan.LAYOUT.mark]
    found = [published_files.stylegan2_ada()["G_ema"], published_files.r3gan()["G_ema"], published_files.fastgan()]
    assert [[mark in weights for mark in marks] for weights in found] == [[n == k for k in range(3)] for n in range(3)]


def test_a_long_list_of_names_is_cut():
    names = [f"n{number}" for number in range(9)]
    assert fit.listed(names).endswith("n5 and 3 more") and fit.listed(names[:2]) == "n0, n1"
