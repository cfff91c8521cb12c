"""Image processing: bytes to arrays, arrays to bytes. Imports neither payments nor models.

Other packages use the names listed here; they import nothing from the modules below.
"""

import cv2

from imaging.box import Box
from imaging.close_up import EXPECTED_PASSES, CloseUp, close_up_input, close_ups, merge_close_ups
from imaging.composing import compose
from imaging.css_colours import css_colour
from imaging.decoding import decode
from imaging.decontaminate import Decontamination
from imaging.encoding import encode
from imaging.existing_alpha import keep_existing_alpha
from imaging.finishing import finish
from imaging.foreign import foreign_type
from imaging.formats import INPUTS, OUTPUTS, ImageFormat
from imaging.guided_filter import upsample
from imaging.haze import HOPELESS_HAZE, MUCH_HAZE, haze_share
from imaging.high_key import darken_high_key
from imaging.levels import set_levels
from imaging.model_input import shrink, to_image_size, to_model_input
from imaging.output import MAX_SIDE, Channels, Crop, Length, Output
from imaging.picture import Picture, Pixels
from imaging.probing import ImageInfo, judge_beginning, probe
from imaging.small_components import drop_small_components
from imaging.subject import has_subject

__all__ = [
    "EXPECTED_PASSES",
    "HOPELESS_HAZE",
    "INPUTS",
    "MAX_SIDE",
    "MUCH_HAZE",
    "OUTPUTS",
    "Box",
    "Channels",
    "CloseUp",
    "Crop",
    "Decontamination",
    "ImageFormat",
    "ImageInfo",
    "Length",
    "Output",
    "Picture",
    "Pixels",
    "close_up_input",
    "close_ups",
    "compose",
    "css_colour",
    "darken_high_key",
    "decode",
    "drop_small_components",
    "encode",
    "finish",
    "foreign_type",
    "has_subject",
    "haze_share",
    "judge_beginning",
    "keep_existing_alpha",
    "merge_close_ups",
    "probe",
    "set_levels",
    "shrink",
    "to_image_size",
    "to_model_input",
    "upsample",
]

# Each picture uses one core; cut_out.py decides how many are processed at a time.
cv2.setNumThreads(1)
