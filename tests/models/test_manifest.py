"""Manifests: what they must hold, and that weights are the ones they name."""

import hashlib
import re
from pathlib import Path

import pytest

from models.manifest import MODELS, ModelError, ModelManifest
from tests.shipped import NAME, SHIPPED


@pytest.mark.parametrize("name", [path.stem for path in MODELS.glob("*.toml")])
def test_every_manifest_is_complete_and_has_its_weights(name: str) -> None:
    manifest = ModelManifest.load(name)
    assert manifest.weights()
    assert manifest.licence
    assert manifest.provenance
    assert manifest.provenance.data
    assert manifest.provenance.held_out


UNCLEAR = re.compile("none stated|Flickr")
"""How our manifests write that a publisher states no licence that allows commercial use."""


@pytest.mark.parametrize("name", [path.stem for path in MODELS.glob("*.toml")])
def test_data_without_a_stated_licence_are_named_with_an_alternative(name: str) -> None:
    manifest = ModelManifest.load(name)
    assert manifest.provenance
    unclear = tuple(each.name for each in manifest.provenance.data if UNCLEAR.search(each.licence))
    assert manifest.unclear_data == unclear
    alternative = manifest.provenance.permissive
    assert (alternative is not None) == bool(unclear)
    if alternative is not None:
        assert ModelManifest.load(alternative).unclear_data == ()


def test_the_label_names_model_and_weights() -> None:
    assert SHIPPED.label == f"{NAME} {SHIPPED.sha256[:8]}"


def test_a_missing_manifest_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ModelError, match=rf"no manifest matting-v9\.toml\. Available: .*{NAME}"):
        ModelManifest.load("matting-v9")


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('licence = "Apache-2.0"', "", "licence"),
        ("size = 384", "size = 0", "size"),
        ('dtype = "uint8"', 'dtype = "float32"', "dtype"),
        (f'name = "{NAME}"', 'name = "other"', f"must have name = '{NAME}', not 'other'"),
        ("[input]", "[input", "not a valid model manifest"),
    ],
)
def test_a_faulty_manifest_is_refused(tmp_path: Path, before: str, after: str, fault: str) -> None:
    text = (MODELS / f"{NAME}.toml").read_text()
    assert before in text
    (tmp_path / f"{NAME}.toml").write_text(text.replace(before, after, 1))
    with pytest.raises(ModelError, match=fault):
        ModelManifest.load(NAME, tmp_path)


def _copied(folder: Path) -> ModelManifest:
    (folder / f"{NAME}.toml").write_text((MODELS / f"{NAME}.toml").read_text())
    return ModelManifest.load(NAME, folder)


def test_other_weights_than_the_named_ones_are_refused(tmp_path: Path) -> None:
    manifest = _copied(tmp_path)
    manifest.path.parent.mkdir()
    manifest.path.write_bytes(SHIPPED.weights() + b"\0")
    with pytest.raises(ModelError, match=f"do not match the manifest of {NAME}"):
        manifest.weights()


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        _copied(tmp_path).weights()


ORIGIN = f"""
[origin]
summary = "pulled"
sha256 = "{"0" * 64}"
commercial = true
layout = "NCHW"
mean = [0.5, 0.5, 0.5]
std = [1.0, 1.0, 1.0]
output = "alpha"
values = "logits"
checked = "not at all"
"""


def test_a_model_of_others_needs_an_origin_and_no_training_data(tmp_path: Path) -> None:
    ours = (MODELS / f"{NAME}.toml").read_text().partition("[provenance]")[0]
    (tmp_path / f"{NAME}.toml").write_text(ours + ORIGIN)
    assert ModelManifest.load(NAME, tmp_path).origin
    (tmp_path / f"{NAME}.toml").write_text(ours)
    with pytest.raises(ModelError, match=r"either \[provenance\] or \[origin\]"):
        ModelManifest.load(NAME, tmp_path)


def test_the_first_folder_that_has_the_manifest_is_believed(tmp_path: Path) -> None:
    assert ModelManifest.load(NAME, tmp_path, MODELS).path == MODELS / SHIPPED.file
    assert _copied(tmp_path).path == tmp_path / SHIPPED.file


VARIANTS = f"""
[variants.int8]
file = "weights/eight.onnx"
sha256 = "{hashlib.sha256(b"eight").hexdigest()}"
gate = {{ mean = 1.5, p99_9 = 60 }}

[variants.fp16]
keep_fp32 = ["/encoder/stem"]
gate = {{ mean = 0.5, p99_9 = 5 }}

[input]
"""


def _with_variants(folder: Path, variants: str = VARIANTS) -> ModelManifest:
    text = (MODELS / f"{NAME}.toml").read_text()
    for precision in SHIPPED.variants:
        text = re.sub(rf"\[variants\.{precision}\].*?(?=\n\[)", "", text, flags=re.DOTALL)
    (folder / f"{NAME}.toml").write_text(text.replace("\n[input]\n", variants, 1))
    return ModelManifest.load(NAME, folder)


def test_each_precision_has_its_own_file(tmp_path: Path) -> None:
    manifest = _with_variants(tmp_path)
    assert manifest.precisions == ("fp32", "int8")
    manifest.path_of("int8").parent.mkdir()
    manifest.path_of("int8").write_bytes(b"eight")
    assert manifest.weights("int8") == b"eight"
    manifest.path_of("int8").write_bytes(b"nine")
    with pytest.raises(ModelError, match=r"weights/eight\.onnx do not match the manifest of"):
        manifest.weights("int8")


def test_a_variant_without_a_file_is_made_by_the_backend(tmp_path: Path) -> None:
    manifest = _with_variants(tmp_path)
    assert manifest.variants["fp16"].keep_fp32 == ("/encoder/stem",)
    with pytest.raises(ModelError, match="has no file of precision fp16"):
        manifest.weights("fp16")


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('file = "weights/eight.onnx"', "", "both file and sha256"),
        ("gate = { mean = 1.5, p99_9 = 60 }", "", "gate"),
        ("[variants.int8]", "[variants.int4]", "int4"),
    ],
)
def test_a_faulty_variant_is_refused(tmp_path: Path, before: str, after: str, fault: str) -> None:
    assert before in VARIANTS
    with pytest.raises(ModelError, match=fault):
        _with_variants(tmp_path, VARIANTS.replace(before, after, 1))
