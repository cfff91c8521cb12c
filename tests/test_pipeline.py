import asyncio
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from prometheus_client import REGISTRY

from cut_out import CutOut
from errors import InvalidImage, NothingFound, Overloaded, ProcessingFailed, RunnerUnavailable
from imaging import ImageFormat, ImageInfo, Output, Picture, Pixels, decode, probe, to_model_input
from pipeline import Infer, MattingModel
from telemetry import timings
from tests.fakes.infer import Broken, Disc, HeldDisc
from tests.imaging.samples import saved, scene, turned
from tests.imaging.steps import compose

JPEG = ImageFormat.JPEG
PNG, WEBP = Output(ImageFormat.PNG), Output(ImageFormat.WEBP)
WIDTH, HEIGHT = 250, 200
BODY = saved(scene(WIDTH, HEIGHT), JPEG)
INFO = probe(BODY, JPEG, 10_000)
ONE = WIDTH * HEIGHT / 1e6
"""Megapixels of one of these pictures."""


SMALL_SHARE = 0.3


def cutter(
    infer: Infer, *, pictures: float = 100, threads: int = 2, max_wait_s: float = 10, picture_s: float = 0
) -> CutOut:
    """With room for so many of these pictures at a time."""
    network = MattingModel(infer, 64, image_s=lambda: picture_s)
    megapixels = 1.01 * pictures * ONE / SMALL_SHARE
    return CutOut({"only": network}, threads=threads, max_megapixels=megapixels, max_wait_s=max_wait_s)


def is_free(cut_out: CutOut) -> bool:
    """Whether a picture would start at once."""
    place = cut_out.admit(INFO, PNG)
    place.release()
    return place.wait_s == 0


@pytest.mark.parametrize("output", [PNG, WEBP])
async def test_an_upload_becomes_a_cut_out_of_the_same_size(output: Output) -> None:
    result = await cutter(Disc())(BODY, INFO, output)
    assert (result.width, result.height) == (WIDTH, HEIGHT)
    with Image.open(BytesIO(result.body)) as image:
        assert image.format == output.format.name
        assert image.size == (WIDTH, HEIGHT)
        alpha = np.asarray(image.getchannel("A"))
    assert alpha[HEIGHT // 2, WIDTH // 2] == 255
    assert alpha[0, 0] == 0


async def test_the_steps_are_those_that_the_tests_of_imaging_take() -> None:
    """`tests/imaging/steps.py` calls them one by one."""
    result = await cutter(Disc())(BODY, INFO, PNG)
    picture = decode(BODY, INFO)
    small = to_model_input(picture, 64)
    with Image.open(BytesIO(result.body)) as image:
        assert np.array_equal(np.asarray(image), compose(picture, await Disc()(small), small))


async def test_the_cut_out_is_as_large_as_the_upright_picture() -> None:
    body = turned(JPEG, 6, scene(WIDTH, HEIGHT))
    cut_out = await cutter(Disc())(body, probe(body, JPEG, 10_000), PNG)
    with Image.open(BytesIO(cut_out.body)) as image:
        assert image.size == (HEIGHT, WIDTH)


@pytest.mark.parametrize("darken_light", [True, False])
async def test_a_very_light_picture_is_darkened_for_a_model_that_wants_it_and_for_nobody_else(
    *, darken_light: bool
) -> None:
    image = np.full((HEIGHT, WIDTH, 3), 250, np.uint8)
    image[50:150, 75:175] = 235
    body, shown = saved(image, PNG.format), []

    async def infer(fitted: Pixels) -> Pixels:
        shown.append(fitted)
        return np.full((64, 64), 255, np.uint8)

    cut_out = CutOut(
        {"only": MattingModel(infer, 64, darken_light=darken_light)}, max_megapixels=100, max_wait_s=10, threads=1
    )
    result = await cut_out(body, probe(body, PNG.format, 10_000), PNG)
    assert (int(shown[0].min()) < 235) is darken_light
    with Image.open(BytesIO(result.body)) as delivered:
        assert np.array_equal(np.asarray(delivered)[..., :3], image)


async def test_the_model_is_shown_the_picture_at_its_input_size() -> None:
    model = Disc()
    await cutter(model)(BODY, INFO, PNG)
    assert [image.shape for image in model.seen] == [(64, 64, 3)]


async def test_every_stage_is_timed_for_the_request_at_hand() -> None:
    """Stages that run in threads reach the timings of the task that asked for them."""
    with timings() as collected:
        await cutter(Disc())(BODY, INFO, PNG)
    assert collected.keys() == {"queue", "decode", "infer", "compose", "encode"}
    assert all(seconds >= 0 for seconds in collected.values())


async def test_the_event_loop_goes_on_while_pictures_are_made() -> None:
    body = saved(scene(3000, 2000), JPEG)
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.002)
            beats += 1

    heart = asyncio.create_task(beat())
    await cutter(Disc(), pictures=1_000)(body, probe(body, JPEG, 10_000), PNG)
    heart.cancel()
    assert beats > 10


async def test_pictures_wait_until_there_is_room() -> None:
    model = HeldDisc()
    cut_out = cutter(model, pictures=2)
    calls = [asyncio.create_task(cut_out(BODY, INFO, PNG)) for _ in range(5)]
    await model.until_held(2)
    model.let_go.set()
    assert len({len(result.body) for result in await asyncio.gather(*calls)}) == 1
    assert model.most_held == 2


async def test_who_would_wait_too_long_is_refused_at_once() -> None:
    """By the runner's seconds for each picture that is promised and not cut out yet."""
    model = HeldDisc()
    cut_out = cutter(model, max_wait_s=1.5, picture_s=1)
    calls = [asyncio.create_task(cut_out(BODY, INFO, PNG)) for _ in range(2)]
    await model.until_held(2)
    with pytest.raises(Overloaded) as refused:
        cut_out.admit(INFO, PNG)
    # About when what is promised is done: half to one and a half of a little more than two seconds.
    assert refused.value.retry_after in {2, 3, 4}
    with pytest.raises(Overloaded):
        await cut_out(BODY, INFO, PNG)
    model.let_go.set()
    await asyncio.gather(*calls)
    assert is_free(cut_out)


async def test_all_who_come_at_once_are_counted() -> None:
    """A place is held from the admission on, whatever comes between that and the work."""
    cut_out = cutter(Disc(), max_wait_s=2.5, picture_s=1)
    places = [cut_out.admit(INFO, PNG) for _ in range(3)]
    with pytest.raises(Overloaded):
        cut_out.admit(INFO, PNG)
    await cut_out(BODY, INFO, PNG, place=places.pop())
    cut_out.admit(INFO, PNG).release()
    for place in places:
        place.release()
    assert is_free(cut_out)


async def test_webp_weighs_more_than_png() -> None:
    """libwebp's memory counts: two pictures find room as PNG, and one after the other as WebP."""
    for output, most in ((PNG, 2), (WEBP, 1)):
        model = HeldDisc()
        cut_out = cutter(model, pictures=3)
        calls = [asyncio.create_task(cut_out(BODY, INFO, output)) for _ in range(2)]
        await model.until_held(most)
        await asyncio.sleep(0.05)
        model.let_go.set()
        await asyncio.gather(*calls)
        assert model.most_held == most


async def test_a_small_picture_does_not_wait_for_big_ones() -> None:
    """However many come before it: they have cores and room of their own."""
    body = saved(scene(4200, 3000), JPEG)
    info = probe(body, JPEG, 10_000)
    cut_out = cutter(Disc(), pictures=100, max_wait_s=60)
    big = [asyncio.create_task(cut_out(body, info, WEBP)) for _ in range(4)]
    await asyncio.sleep(0.05)
    await cut_out(BODY, INFO, PNG)
    assert sum(each.done() for each in big) <= 1
    for each in big:
        each.cancel()
    await asyncio.gather(*big, return_exceptions=True)


async def test_a_picture_larger_than_all_room_runs_alone() -> None:
    model = HeldDisc()
    cut_out = cutter(model, pictures=0.5)
    calls = [asyncio.create_task(cut_out(BODY, INFO, WEBP)) for _ in range(2)]
    await model.until_held(1)
    model.let_go.set()
    await asyncio.gather(*calls)
    assert model.most_held == 1


async def test_a_large_picture_is_not_passed_over_for_ever() -> None:
    """Small ones that come later wait behind it, though there would be room for them."""
    model = HeldDisc()
    cut_out = cutter(model, pictures=3)
    first = asyncio.create_task(cut_out(BODY, INFO, PNG))
    await model.until_held(1)
    finished: list[Output] = []

    async def cut(output: Output) -> None:
        await cut_out(BODY, INFO, output)
        finished.append(output)

    later = [asyncio.create_task(cut(output)) for output in (WEBP, PNG)]
    await asyncio.sleep(0.05)
    assert model.held == 1
    model.let_go.set()
    await asyncio.gather(first, *later)
    assert finished == [WEBP, PNG]


def _damaged() -> tuple[bytes, ImageInfo]:
    body = BODY.replace(b"\xff\xdb", b"\xff\xe5")
    return body, probe(body, JPEG, 10_000)


async def test_damage_that_only_decoding_shows_is_an_invalid_image() -> None:
    cut_out = cutter(Disc(), pictures=1)
    with pytest.raises(InvalidImage):
        await cut_out(*_damaged(), PNG)
    assert is_free(cut_out)


async def test_an_empty_picture_is_not_made() -> None:
    async def blind(image: Pixels) -> Pixels:
        return np.full(image.shape[:2], 100, np.uint8)

    cut_out = cutter(blind, pictures=1)
    with pytest.raises(NothingFound):
        await cut_out(BODY, INFO, PNG)
    assert is_free(cut_out)


@pytest.mark.parametrize(("hazy_columns", "share"), [(0, 0), (16, 0.5), (24, 0.75)])
async def test_a_result_says_how_much_of_the_subject_is_half_transparent(hazy_columns: int, share: float) -> None:
    async def unsure(image: Pixels) -> Pixels:
        alpha = np.zeros(image.shape[:2], np.uint8)
        alpha[16:48, 16:48] = 255
        alpha[16:48, 16 : 16 + hazy_columns] = 128
        return alpha

    result = await cutter(unsure, pictures=1)(BODY, INFO, PNG)
    assert result.haze == pytest.approx(share)


@pytest.mark.parametrize("error", [RunnerUnavailable("out"), ProcessingFailed("failed"), RuntimeError("a bug")])
async def test_room_is_given_back_when_the_model_fails(error: Exception) -> None:
    cut_out = cutter(Broken(error), pictures=1)
    with pytest.raises(type(error)):
        await cut_out(BODY, INFO, PNG)
    assert is_free(cut_out)
    assert REGISTRY.get_sample_value("clearcanvas_images_in_flight") == 0


async def test_room_is_given_back_when_the_caller_gives_up() -> None:
    model = HeldDisc()
    cut_out = cutter(model, pictures=1)
    running, waiting = (asyncio.create_task(cut_out(BODY, INFO, PNG)) for _ in range(2))
    await model.until_held(1)
    for call in (waiting, running):
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert is_free(cut_out)


async def test_a_call_given_up_in_a_thread_holds_its_room_until_the_thread_is_done() -> None:
    """Its memory is in use for as long, and the core as well."""
    body = saved(scene(2500, 2000), ImageFormat.PNG)
    info = probe(body, ImageFormat.PNG, 10_000)
    cut_out = cutter(Disc(), pictures=1, threads=1)
    call = asyncio.create_task(cut_out(body, info, PNG))
    await asyncio.sleep(0.02)
    call.cancel()
    await asyncio.sleep(0)
    assert not is_free(cut_out)
    with pytest.raises(asyncio.CancelledError):
        await call
    assert is_free(cut_out)
    await cut_out(BODY, INFO, PNG)


async def test_uploads_are_decoded_where_the_caller_wants() -> None:
    decoded: list[bytes] = []

    def decode_elsewhere(body: bytes, info: ImageInfo) -> Picture:
        decoded.append(body)
        return decode(body, info)

    cut_out = CutOut({"only": MattingModel(Disc(), 64)}, max_megapixels=100, max_wait_s=10, decode=decode_elsewhere)
    await cut_out(BODY, INFO, PNG)
    assert decoded == [BODY]


class Corner:
    """A model that finds a square in a corner when it sees the whole picture, and nothing in a part of it."""

    def __init__(self, whole: Pixels) -> None:
        self.whole = whole
        self.seen: list[Pixels] = []

    async def __call__(self, image: Pixels) -> Pixels:
        self.seen.append(image)
        alpha = np.zeros((64, 64), np.uint8)
        if np.array_equal(image, self.whole):
            alpha[4:20, 4:20] = 255
        else:
            alpha[:, :40] = 255
        return alpha


@pytest.mark.parametrize("wants", [True, False])
async def test_a_model_that_wants_close_ups_sees_the_subject_again_and_corrects_the_picture(*, wants: bool) -> None:
    picture = decode(BODY, INFO)
    model = Corner(to_model_input(picture, 64))
    cut_out = CutOut({"only": MattingModel(model, 64, close_ups=wants)}, max_megapixels=100, max_wait_s=10, threads=1)
    with timings() as collected:
        result = await cut_out(BODY, INFO, PNG)
    assert len(model.seen) == 1 + wants
    with Image.open(BytesIO(result.body)) as image:
        alpha = np.asarray(image.getchannel("A"))
    assert alpha[40, 30] == 255, "solid in both"
    assert (int(alpha[40, 75]) < 100) is wants, "in the first alpha only"
    assert collected.keys() == {"queue", "decode", "infer", "compose", "encode"}


async def test_a_cut_out_that_is_uploaded_is_not_seen_again() -> None:
    rgba = np.dstack([scene(WIDTH, HEIGHT), np.zeros((HEIGHT, WIDTH), np.uint8)])
    rgba[50:90, 50:90, 3] = 255
    body, model = saved(rgba, PNG.format), Disc()
    cut_out = CutOut({"only": MattingModel(model, 64, close_ups=True)}, max_megapixels=100, max_wait_s=10)
    await cut_out(body, probe(body, PNG.format, 10_000), PNG)
    assert len(model.seen) == 1


async def test_a_model_that_fails_on_a_close_up_fails() -> None:
    class Once(Disc):
        async def __call__(self, image: Pixels) -> Pixels:
            if self.seen:
                raise RunnerUnavailable("The runner is gone.", retry_after=1)
            return await super().__call__(image)

    cut_out = CutOut({"only": MattingModel(Once(), 64, close_ups=True)}, max_megapixels=100, max_wait_s=10)
    with pytest.raises(RunnerUnavailable):
        await cut_out(BODY, INFO, PNG)
    place = cut_out.admit(INFO, PNG)
    assert place.wait_s == 0
    place.release()


@pytest.mark.parametrize("wants", [True, False])
async def test_the_runners_time_for_close_ups_is_part_of_the_wait(*, wants: bool) -> None:
    model = MattingModel(Disc(), 64, image_s=lambda: 1.0, close_ups=wants)
    cut_out = CutOut({"only": model}, max_megapixels=100, max_wait_s=10)
    with_one = cut_out.admit(INFO, PNG)
    another = cut_out.admit(INFO, PNG)
    assert (another.wait_s > 1.5) is wants
    for place in (with_one, another):
        place.release()
