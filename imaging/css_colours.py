"""Colours as people write them (CSS Color Module Level 4 §5.2 and §6.1), opaque ones."""

import re

from PIL import ImageColor

from imaging.output import Colour

_HEX = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)


def css_colour(text: str) -> Colour:
    """The colour that `ffffff`, `fff`, either with `#`, or a CSS name stands for.

    Raises:
        ValueError: none of these; the text completes a sentence that begins with the name of the option.
    """
    digits = _HEX.fullmatch(text)
    if digits is None and text.lower() not in ImageColor.colormap:
        raise ValueError("must be a colour: hexadecimal such as ffffff or fff, or a CSS name such as white.")
    red, green, blue = ImageColor.getrgb(f"#{digits[1]}" if digits else text)[:3]
    return red, green, blue
