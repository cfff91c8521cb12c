"""Recent results are kept within a bound of bytes, the least wanted go first."""

from payments.result_cache import ResultCache


def test_keeps_a_result() -> None:
    recent: ResultCache[str] = ResultCache(10)
    recent.put("order", "picture", size=10)
    assert recent.get("order") == "picture"
    assert recent.get("other") is None


def test_lets_go_what_was_not_wanted_longest() -> None:
    recent: ResultCache[str] = ResultCache(10)
    for name in ("a", "b"):
        recent.put(name, name, size=5)
    recent.get("a")
    recent.put("c", "c", size=5)
    assert [recent.get(name) for name in ("a", "b", "c")] == ["a", None, "c"]


def test_counts_a_renewed_result_once() -> None:
    recent: ResultCache[str] = ResultCache(10)
    for size in (4, 6):
        recent.put("order", f"{size} bytes", size=size)
    recent.put("other", "other", size=4)
    assert recent.get("order") == "6 bytes"


def test_does_not_keep_what_is_too_large() -> None:
    recent: ResultCache[str] = ResultCache(10)
    recent.put("small", "small", size=1)
    recent.put("large", "large", size=11)
    assert recent.get("large") is None
    assert recent.get("small") == "small"


def test_keeps_nothing_without_room() -> None:
    recent: ResultCache[str] = ResultCache(0)
    recent.put("order", "picture", size=1)
    assert recent.get("order") is None
