"""Requests that no route is asked for: the server and the door answer them in the form of all other refusals."""

import pytest

from tests.end_to_end.refusals import assert_refused
from tests.raw_http import answer_to
from tests.running_service import RunningService

pytestmark = pytest.mark.usefixtures("nothing_charged")

HEAD = b"POST /v1/remove-background HTTP/1.1\r\nHost: cut.example\r\n"


async def test_header_fields_without_an_end_are_refused(running_service: RunningService) -> None:
    endless = HEAD + b"X-PAYMENT: " + b"A" * 40_000
    assert_refused(await answer_to(running_service.url, endless), 431, "head_too_large", charged=None)


async def test_what_is_no_http_is_refused(running_service: RunningService) -> None:
    answer = await answer_to(running_service.url, HEAD + b"Content-Length: many\r\n\r\n")
    assert_refused(answer, 400, "bad_request", charged=None)


async def test_a_target_that_is_no_path_is_not_found(running_service: RunningService) -> None:
    head = b"POST * HTTP/1.1\r\nHost: cut.example\r\nConnection: close\r\n\r\n"
    assert_refused(await answer_to(running_service.url, head), 404, "not_found")


async def test_a_whole_url_is_a_target(running_service: RunningService) -> None:
    """As clients send it that take the service for their proxy."""
    head = b"POST http://cut.example/v1/remove-background HTTP/1.1\r\nHost: cut.example\r\n\r\n"
    assert (await answer_to(running_service.url, head)).status_code == 402
