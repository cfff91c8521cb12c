"""The profiles, and what is said of one that cannot be used."""

from pathlib import Path

import pytest

from loadtests.drive import rates, sells
from loadtests.profile import Phase, Profile, ProfileError, names


@pytest.mark.parametrize("name", names())
def test_a_shipped_profile_is_valid_and_bounds_classes_that_it_has(name: str) -> None:
    profile = Profile.load(name)
    kinds = {kind for phase in profile.phases for kind in (*phase.users, *phase.arrivals)}
    classes = {f"paid {kind}" for kind in kinds} | {"quote, empty request", "hostile"}
    assert {bound.of for bound in profile.bounds} <= classes


def test_twenty_quotes_a_second_may_take_20_ms_at_p95() -> None:
    profile = Profile.load("quotes")
    assert profile.phases[0].arrivals == {"quote": 20}
    assert [(bound.of, bound.percentiles) for bound in profile.bounds] == [("quote, empty request", {95: 20})]
    assert not sells(profile)


def test_one_buyer_waits_2_s_at_p50_and_four_wait_6_s_at_p95() -> None:
    one, four = Profile.load("one-buyer"), Profile.load("four-buyers")
    rails = ("paid x402-v2", "paid mpp")
    assert [(bound.of, bound.percentiles) for bound in one.bounds] == [(rail, {50: 2000}) for rail in rails]
    assert [(bound.of, bound.percentiles) for bound in four.bounds] == [(rail, {95: 6000}) for rail in rails]
    assert sum(four.phases[0].users.values()) == 4
    assert sells(four)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("about = 'a'\nphases = [{name = 'a', seconds = 1}]", "must have `users` or `arrivals`"),
        ("about = 'a'\nphases = [{name = 'a', seconds = 1, users = {thief = 1}}]", "x402-v2"),
        ("about = 'a'\npictures = {'2' = 0.5}\nphases = [{name = 'a', seconds = 1, users = {mpp = 1}}]", "add up to 1"),
        ("about = 'a'\nphases = [{name = 'a', seconds = 1, times_peak = 3, arrivals = {mpp = 1}}]", "earlier phase"),
        ("about = 'a'\nspeed = 1\nphases = [{name = 'a', seconds = 1, users = {mpp = 1}}]", "speed"),
        ("about = ", "Invalid value"),
    ],
)
def test_an_invalid_profile_is_explained(tmp_path: Path, text: str, complaint: str) -> None:
    (path := tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ProfileError) as error:
        Profile.load(str(path))
    assert complaint in str(error.value)
    assert str(path) in str(error.value)


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(ProfileError, match=r"Known: .*mix.*soak"):
        Profile.load("mixture")


def test_the_last_phase_can_last_longer() -> None:
    assert Profile.load("soak").lasting(7200).phases[-1].seconds == 7200


def test_overload_is_three_times_the_peak_in_the_given_shares() -> None:
    phase = Phase(name="a", seconds=1, times_peak=3, arrivals={"mpp": 1.0, "x402-v2": 2.0})
    assert rates(phase, peak_per_s=5.0) == {"mpp": 5.0, "x402-v2": 10.0}


def test_arrivals_without_a_peak_are_per_second() -> None:
    assert rates(Phase(name="a", seconds=1, arrivals={"mpp": 1.5}), peak_per_s=5.0) == {"mpp": 1.5}
