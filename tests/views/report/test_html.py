"""The report is one file: well-formed, self-contained, and literal about every name in it."""

import base64
import io
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from gan_core.evaluation.results import EvaluationResult, UtilityResult
from gan_core.views import evaluation_results
from gan_core.views.report import charts
from gan_core.views.report.html import Pictures
from gan_core.views.report.html import to_html as render
from tests.builders import evaluated_run, seeded_workspace

VOID = {"meta", "img", "br", "path", "line", "circle"}
NOTHING = Pictures(None, None, [])
OUTSIDE = {"src", "href", "srcset", "data", "action", "poster", "background", "xlink:href"}


def to_html(result, pictures=NOTHING, utility=None, collapse_rows=(), **about) -> str:
    """The report of stored results."""
    found = UtilityResult.read(utility) if utility else None
    return render(EvaluationResult.read(result), pictures, found, collapse_rows, **about)


class Reader(HTMLParser):
    """Text, tags and addresses of a document; refuses tags that are closed out of order."""

    def __init__(self, document: str):
        super().__init__()
        self.open, self.tags, self.addresses, self.text, self.attributes = [], [], [], "", set()
        self.feed(document)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value for name, value in attrs if name in OUTSIDE]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def job(workspace, store):
    return evaluated_run.plant(workspace, store)


@pytest.fixture
def document(workspace, store, job):
    return evaluation_results.report(store, workspace, job)


def test_nothing_is_loaded_and_nothing_runs(document):
    read = Reader(document)
    assert not set(read.tags) & {"script", "link", "iframe", "object", "embed", "base", "form", "b"}
    assert not [name for name in read.attributes if name.startswith("on")]
    assert read.addresses and all(address.startswith("data:image/png;base64,") for address in read.addresses)
    style = document[document.index("<style>") : document.index("</style>")]
    assert "url(" not in style and "@import" not in style
    assert "default-src 'none'" in document


def test_hostile_names_stand_in_it_letter_for_letter(document):
    read = Reader(document)
    assert seeded_workspace.HOSTILE in read.text and "owl & <b>kiwi</b>" in read.text
    assert "<script" not in document and "<b>" not in document
    outside_of_data = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", document)
    assert not re.search(r"""(src|href)=["']?https?:""", outside_of_data)


def test_every_text_of_a_result_is_escaped(job):
    evil = "\"'><img src=http://evil/x onerror=alert(1)>"

    def spoil(value):
        if isinstance(value, dict):
            return {key if key in KEYS else f"{key}{evil}": spoil(one) for key, one in value.items()}
        if isinstance(value, list):
            return [spoil(one) for one in value]
        return value + evil if isinstance(value, str) else value

    KEYS = keys_of(job.result) | keys_of(evaluated_run.utility(["cat"]))
    rows = [{"epoch": 1.0, "values": {"variance_ratio": 0.5}}, {"epoch": 2.0, "values": {"variance_ratio": 0.4}}]
    pictures = Pictures(b"x", b"y", [(b"z", evil)])
    for broken in (job.result, spoil(job.result)):
        document = to_html(broken, pictures, spoil(evaluated_run.utility(["cat"])), rows, title=evil)
        read = Reader(document)
        assert read.tags.count("img") == 3 and evil in read.text and "onerror" not in read.attributes


def keys_of(value) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys_of(one) for one in value.values())) if value else set()
    return set().union(*(keys_of(one) for one in value)) if isinstance(value, list) and value else set()


def test_it_says_all_that_a_score_needs(document, job):
    text = " ".join(Reader(document).text.split())
    for said in (
        *("31.25", "28.12 to 34.38", "3.125 times the floor", "Frechet distance, EfficientNet-Lite0"),
        *("120 real against 120 generated", "training images", "abababababababab", "Weights averaged (EMA)yes"),
        *("epoch 12.5", "Independent draws5", "Seed0", "Too few images.", "read the kernel distance first"),
        *(
            "Variety: alarm.",
            "Copies: look closer.",
            "Usefulness: helps.",
            "Fewer than 50 images.",
            "88.9 %",
            "Right in 83.0 % of 200 images",
        ),
        *("Discriminator overfitting".lower(), "mirrored", "1.2 to 4.8"),
    ):
        assert said in text, said
    assert "FID," not in text


def test_the_16_pairs_and_the_sheets_are_pictures_inside(document):
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', document)
    assert len(found) == 18
    sizes = [Image.open(io.BytesIO(base64.b64decode(one))).size for one in found]
    assert sizes[:16] == [(2 * 64 + 2, 64)] * 16
    assert document.count("<figcaption>distance") == 16


def test_there_are_charts_for_copies_variety_and_use(document):
    assert document.count("<svg ") == 3
    for legend in ("generated, held-out real", "variance ratio, coverage ratio, label agreement"):
        assert f'aria-label="Chart: {legend}"' in document


def test_an_old_result_is_a_report_too():
    read = Reader(to_html(seeded_workspace.SCORES))
    assert "31.25" in read.text and "0.01 to 0.015" in read.text and "Per class" not in read.text
    assert "img" not in read.tags and "svg" not in read.tags
    old = seeded_workspace.SCORES | {"inception_score_formula": 2.5, "inception_score_formula_std": 0.1}
    assert "± 0.1 over splits" in Reader(to_html(old)).text


@pytest.mark.parametrize(
    "part", ["per_class", "agreement", "collapse", "memorisation", "two_sample", "floor", "absent", "caveats", "labels"]
)
@pytest.mark.parametrize("value", [None, "gone"])
def test_any_part_may_be_missing(part, value, job):
    result = dict(job.result)
    if value is None and part != "labels":
        result[part] = None
    else:
        del result[part]
    Reader(to_html(result))


def test_one_class_has_no_confusion(workspace, store):
    job = evaluated_run.plant(workspace, store, classes=["all"])
    text = Reader(evaluation_results.report(store, workspace, job)).text
    assert "predicted" not in text and "Per class" in text


def test_reasons_of_absent_parts_are_given_once():
    result = seeded_workspace.SCORES | {
        "absent": {"inception_score_formula": "Too few images.", "memorisation": "No held-out split."}
    }
    text = Reader(to_html(result)).text
    assert text.count("Too few images.") == 1 and "Copies of training images: No held-out split." in text


def test_no_measurable_gain_is_said_plainly():
    worse = evaluated_run.utility(["cat"]) | {"verdict": "no measurable gain", "sentence": "Nothing to see."}
    text = Reader(to_html(seeded_workspace.SCORES, utility=worse)).text
    assert "no measurable gain. Nothing to see." in " ".join(text.split()) and "helps." not in text


def test_a_point_lies_where_its_value_is():
    drawn = charts.lines({"a": [(0.0, 0.0), (1.0, 1.0)]}, {}, "x")
    low, high = charts.HEIGHT - charts.BOTTOM, charts.TOP
    assert f"M{charts.LEFT}.0,{low}.0L{charts.WIDTH - 8}.0,{high}.0" in drawn
    steps = charts.histogram([0, 1, 2], {"a": [3, 1]}, "x")
    assert f"L{charts.LEFT}.0,{high}.0" in steps  # the fuller bin reaches the top


def test_charts_bear_empty_flat_and_single_series():
    assert charts.lines({"a": []}, {"amber": 0.6}, "x") == ""
    assert "<circle" in charts.lines({"a": [(2.0, 0.5)], "b": []}, {}, "x")
    assert "nan" not in charts.histogram([0, 0], {"a": [0], "b": [0]}, "x")
    assert "nan" not in charts.intervals([("a", 0.5, None)], "x")
    assert "&lt;b&gt;" in charts.intervals([("<b>", 0.5, [0.4, 0.6])], "x")
