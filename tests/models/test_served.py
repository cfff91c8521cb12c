"""What a service may be started with."""

import hashlib
from pathlib import Path

import pytest

from models.manifest import MODELS, Gate, ModelError, ModelManifest, Variant
from models.served import check_weights, load_served, may_be_sold

SHIPPED = sorted(MODELS.glob("*.toml"))[0].stem
ORIGIN = f"""
[origin]
summary = "pulled"
sha256 = "{"0" * 64}"
commercial = COMMERCIAL
layout = "NCHW"
output = "alpha"
values = "logits"
checked = "not at all"
"""


def foreign(folder: Path, name: str, *, commercial: bool) -> None:
    """A manifest of somebody else's model, without weights that fit."""
    text = (MODELS / f"{SHIPPED}.toml").read_text().partition("[provenance]")[0]
    origin = ORIGIN.replace("COMMERCIAL", str(commercial).lower())
    (folder / f"{name}.toml").write_text(text.replace(f'name = "{SHIPPED}"', f'name = "{name}"', 1) + origin)


def test_models_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    foreign(tmp_path, "other", commercial=True)
    found = load_served(["other", SHIPPED], MODELS, tmp_path, for_money=True)
    assert [manifest.name for manifest in found] == ["other", SHIPPED]


def test_every_unknown_name_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"(?s)no manifest one\.toml\. Available: .*{SHIPPED}.*no manifest two\.toml"):
        load_served(["one", SHIPPED, "two"], MODELS, tmp_path, for_money=False)


def test_what_forbids_commercial_use_is_not_served_for_money(tmp_path: Path) -> None:
    foreign(tmp_path, "gift", commercial=False)
    with pytest.raises(ModelError, match=r"licence of gift, .*, forbids commercial use"):
        load_served([SHIPPED, "gift"], MODELS, tmp_path, for_money=True)
    ours, gift = load_served([SHIPPED, "gift"], MODELS, tmp_path, for_money=False)
    assert (may_be_sold(ours), may_be_sold(gift)) == (True, False)


def test_weights_that_are_not_those_of_the_manifest_are_said(tmp_path: Path) -> None:
    manifests = []
    for name in ("one", "two"):
        foreign(tmp_path, name, commercial=True)
        manifests.append(ModelManifest.load(name, tmp_path))
    check_weights([ModelManifest.load(SHIPPED)])
    manifests[1].path.parent.mkdir(exist_ok=True)
    with pytest.raises(ModelError, match=r"(?s)of one cannot be read.*of two cannot be read"):
        check_weights(manifests)
    manifests[1].path.write_bytes(b"other weights")
    with pytest.raises(ModelError, match=r"do not match the manifest of two: their SHA-256 is"):
        check_weights(manifests[1:])


def test_a_variant_may_be_missing_but_not_another_file(tmp_path: Path) -> None:
    shipped = ModelManifest.load(SHIPPED)
    variant = Variant(file="eight.onnx", sha256=hashlib.sha256(b"eight").hexdigest(), gate=Gate(mean=1, p99_9=9))
    manifest = shipped.model_copy(update={"variants": {"int8": variant}})
    manifest._folder = tmp_path
    manifest.path.parent.mkdir()
    manifest.path.write_bytes(shipped.weights())
    check_weights([manifest])
    manifest.path_of("int8").write_bytes(b"nine")
    with pytest.raises(ModelError, match=r"eight\.onnx do not match the manifest of"):
        check_weights([manifest])
