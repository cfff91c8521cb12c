"""Recent results are kept within a bound of bytes; the least recently used ones go first."""

from payments.result_cache import Delivery, ResultCache


def result(name: str, size: int) -> Delivery:
    """A result with a body of so many bytes, which tells its name."""
    return Delivery((("X-Name", name),), bytes(size))


def test_keeps_a_result() -> None:
    recent = ResultCache(10)
    recent.put("order", result("picture", 10))
    assert recent.get("order") == result("picture", 10)
    assert recent.get("other") is None


def test_lets_go_what_was_not_wanted_longest() -> None:
    recent = ResultCache(10)
    for name in ("a", "b"):
        recent.put(name, result(name, 5))
    recent.get("a")
    recent.put("c", result("c", 5))
    assert [recent.get(name) for name in ("a", "b", "c")] == [result("a", 5), None, result("c", 5)]


def test_counts_a_renewed_result_once() -> None:
    recent = ResultCache(10)
    for size in (4, 6):
        recent.put("order", result("picture", size))
    recent.put("other", result("other", 4))
    assert recent.get("order") == result("picture", 6)


def test_does_not_keep_what_is_too_large() -> None:
    recent = ResultCache(10)
    recent.put("small", result("small", 1))
    recent.put("large", result("large", 11))
    assert recent.get("large") is None
    assert recent.get("small") == result("small", 1)


def test_keeps_nothing_without_room() -> None:
    recent = ResultCache(0)
    recent.put("order", result("picture", 1))
    assert recent.get("order") is None
