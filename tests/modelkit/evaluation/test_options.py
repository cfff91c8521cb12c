from pathlib import Path

import numpy as np
import pytest

from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.options import Options, normalise, parse

GREY = np.full((1, 1, 3), 51, np.uint8)


def test_a_path_alone() -> None:
    assert parse("folder/net.onnx") == (Path("folder/net.onnx"), Options())


def test_a_path_with_options() -> None:
    path, options = parse("net.onnx,name=peer,size=320,layout=nhwc,normalise=0.5/1,output=2,values=logits")
    assert path == Path("net.onnx")
    assert options == Options(name="peer", size=320, layout="nhwc", normalise="0.5/1", output=2, values="logits")


@pytest.mark.parametrize(
    "option", ["size=0", "size=x", "layout=chw", "normalise=grey", "normalise=1/2/3", "output=-1", "values=4", "siz=3"]
)
def test_a_wrong_option_is_named(option: str) -> None:
    with pytest.raises(EvaluationError, match=option.partition("=")[0]):
        parse(f"net.onnx,{option}")


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("unit", [0.2, 0.2, 0.2]),
        ("signed", [-0.6, -0.6, -0.6]),
        ("bytes", [51, 51, 51]),
        ("0.5/1", [-0.3, -0.3, -0.3]),
        ("imagenet", [(0.2 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]),
    ],
)
def test_normalisations(how: str, expected: list[float]) -> None:
    normalised = normalise(GREY, how)
    assert normalised.dtype == np.float32
    assert normalised[0, 0] == pytest.approx(expected, rel=1e-5)
