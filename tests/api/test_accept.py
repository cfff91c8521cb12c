import pytest

from api.accept import preferred

PNG, WEBP = "image/png", "image/webp"


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ([], PNG),
        ([""], PNG),
        (["*/*"], PNG),
        (["image/*"], PNG),
        (["IMAGE/WEBP"], WEBP),
        (["image/webp;q=1.0"], WEBP),
        (["image/webp ; Q=0.5"], WEBP),
        (["image/webp, image/png;q=0.5"], WEBP),
        (["image/png;q=0.5, image/webp"], WEBP),
        (["image/png;q=0.5", "image/webp;q=0.6"], WEBP),
        (["image/png;q=0, image/webp"], WEBP),
        (["image/png;q=0, */*"], WEBP),
        (["image/png;q=0.000, image/*;q=0.001"], WEBP),
        (["image/avif,image/webp,*/*;q=0.8"], WEBP),
        (["image/webp, image/png"], PNG),
        (["image/webp, */*"], PNG),
        (["image/webp;version=1;q=0.4, image/png;q=0.3"], WEBP),
        (["image/jpeg"], None),
        (["application/json"], None),
        (["image/png;q=0, image/webp;q=0"], None),
        (["*/*;q=0"], None),
        (["image/*;q=0, */*"], None),
        (["text/html, image/jpeg;q=0.9"], None),
        (["image/webp;q=2"], PNG),
        (["image/webp;q=, image/png;q=0.1"], PNG),
        (["webp"], PNG),
        (["*/webp"], PNG),
        (["," * 10_000], PNG),
        (["x" * 10_000 + "/" + ";" * 10_000], PNG),
    ],
)
def test_the_most_valued_type_is_found(accept: list[str], found: str | None) -> None:
    """What cannot be read says nothing; the most specific range decides about a type; of equal ones ours is first."""
    assert preferred(accept, [PNG, WEBP]) == found
