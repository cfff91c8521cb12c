"""What the package shows to others."""

import imaging

NAMES = {
    *("Picture", "Pixels", "ImageInfo", "Box", "Output", "Channels", "Crop", "Length", "MAX_SIDE"),
    *("ImageFormat", "INPUTS", "OUTPUTS"),
    *("probe", "judge_beginning", "foreign_type", "css_colour"),
    *("decode", "to_model_input", "darken_high_key", "keep_existing_alpha", "set_levels", "drop_small_components"),
    *("has_subject", "upsample", "Decontamination", "compose", "finish", "encode"),
    *("shrink", "to_image_size"),
}


def test_exported_names() -> None:
    assert set(imaging.__all__) == NAMES
