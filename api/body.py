"""Reads a request's body as it arrives, within limits of time and throughput."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request

from errors import UploadTimeout


async def read(
    request: Request,
    take: Callable[[bytes], bool],
    *,
    timeout_s: float,
    pace_bytes_s: int,
    pace_window_s: float,
) -> None:
    """Pass each piece of the body to `take` until that returns that no more is needed, or until the body ends.

    Raises:
        UploadTimeout: it did not arrive in time, or too few bytes came within a window.
        ClientDisconnect: the client disconnected.
        ServiceError: from `take`.
    """
    now = asyncio.get_running_loop().time
    end, came = now() + timeout_s, 0
    try:
        async with asyncio.timeout_at(min(end, now() + pace_window_s)) as limit:
            async for chunk in request.stream():
                came += len(chunk)
                if chunk and not take(chunk):
                    return
                if came >= pace_bytes_s * pace_window_s:
                    limit.reschedule(min(end, now() + pace_window_s))
                    came = 0
    except TimeoutError as error:
        raise UploadTimeout(
            f"The body did not arrive within {timeout_s:g} seconds, or with fewer than {pace_bytes_s} bytes a second."
        ) from error
