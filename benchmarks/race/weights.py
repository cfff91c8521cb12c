"""Our network in the form that rembg's `u2net_custom` takes: 320 x 320, normalised, one plane out."""

from pathlib import Path

import onnx
from onnx import compose, parser

NAME = "wrapped.onnx"

# Its smallest form, and so its cheapest: the other one that takes foreign files enlarges pictures to 1024 x 1024.
_BEFORE = """<ir_version: 8, opset_import: ["" : 17]>
before (float[N,3,320,320] normalised) => (uint8[N,384,384,3] picture) <
  float[1,3,1,1] deviation = {0.229, 0.224, 0.225}, float[1,3,1,1] mean = {0.485, 0.456, 0.406},
  float[0] region = {}, float[4] scales = {1.0, 1.0, 1.2, 1.2},
  float least = {0.0}, float most = {255.0}
> {
  scaled = Mul(normalised, deviation)
  shares = Add(scaled, mean)
  enlarged = Resize <mode = "linear"> (shares, region, scales)
  levels = Mul(enlarged, most)
  rounded = Round(levels)
  within = Clip(rounded, least, most)
  channels_last = Transpose <perm = [0, 2, 3, 1]> (within)
  picture = Cast <to = 2> (channels_last)
}"""

_AFTER = """<ir_version: 8, opset_import: ["" : 17]>
after (uint8[N,384,384] found) => (float[N,1,384,384] matte) <float most = {255.0}, int64[1] axis = {1}> {
  levels = Cast <to = 1> (found)
  shares = Div(levels, most)
  matte = Unsqueeze(shares, axis)
}"""


def wrap(network: Path, folder: Path) -> Path:
    """The file that rembg loads; of two networks with the same weights, this one takes pictures a sixth smaller."""
    ours = onnx.load(str(network))
    before, after = (
        compose.add_prefix(parser.parse_model(text), f"{name}_")
        for text, name in ((_BEFORE, "before"), (_AFTER, "after"))
    )
    whole = compose.merge_models(before, ours, io_map=[("before_picture", "image")])
    whole = compose.merge_models(whole, after, io_map=[("alpha", "after_found")])
    onnx.checker.check_model(whole)
    onnx.save(whole, str(folder / NAME))
    return folder / NAME
