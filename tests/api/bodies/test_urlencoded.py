"""A form in the URL's encoding, in pieces of any size, is read as Python's own parser reads it as a whole."""

import base64
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from api.bodies import BASE64, Received
from api.bodies.urlencoded import UrlEncoded
from errors import ServiceError, UploadTooLarge

NAMES = st.text(min_size=1, max_size=9).filter(lambda name: name not in ("image_file", "image_file_b64", "image_url"))
CUTS = st.lists(st.integers(0, 300), max_size=9)


def read(body: bytes, cuts: list[int]) -> Received:
    """What a body brings that comes in these pieces."""
    received = Received(lambda size: None, max_bytes=10_000)
    form = UrlEncoded(Headers(), received)
    ends = [*sorted(cut for cut in cuts if cut < len(body)), len(body)]
    for start, end in zip([0, *ends], ends, strict=False):
        assert form.feed(body[start:end])
    form.close()
    return received


@given(st.lists(st.tuples(NAMES, st.text(max_size=9)), max_size=9), CUTS)
def test_fields_are_what_was_sent(fields: list[tuple[str, str]], cuts: list[int]) -> None:
    body = urlencode(fields).encode()
    assert read(body, cuts).fields == fields == parse_qsl(body.decode(), keep_blank_values=True)


@given(st.binary(min_size=1, max_size=99), CUTS, st.booleans())
def test_a_picture_is_what_was_sent(picture: bytes, cuts: list[int], is_escaped: bool) -> None:
    """Also where its Base64 is not escaped: nobody means a space by its `+`."""
    text = base64.b64encode(picture).decode()
    body = urlencode({BASE64: text, "size": "hd"}) if is_escaped else f"{BASE64}={text}&size=hd"
    received = read(body.encode(), cuts)
    assert (received.picture, received.fields) == (picture, [("size", "hd")])


@given(st.binary(max_size=300), CUTS)
def test_anything_else_is_read_or_refused(body: bytes, cuts: list[int]) -> None:
    with suppress(ServiceError):
        read(body, cuts)
        return
    with suppress(ServiceError):
        read(body, [])
        raise AssertionError("it depends on the pieces")


def test_empty_fields_count() -> None:
    """A body of separators alone would take seconds of CPU, and nobody has paid for it."""
    with pytest.raises(UploadTooLarge):
        read(b"&" * 70_000, [])


def test_needless_escapes_count() -> None:
    """A picture needs those of `+`, `/` and `=` only."""
    with pytest.raises(UploadTooLarge):
        read(b"image_file_b64=" + b"%41" * 70_000, [])
    body = urlencode({BASE64: base64.b64encode(b"\xff" * 9_000).decode()}).encode()
    assert read(body, []).size == 9_000
