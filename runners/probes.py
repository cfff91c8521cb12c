"""What whoever runs a runner may ask without a token: whether it runs, whether it is ready, and its metrics."""

import asyncio
from collections.abc import Sequence

from starlette.responses import PlainTextResponse, Response

from telemetry import exposition

PROBES = frozenset({"/livez", "/readyz", "/metrics"})


async def probe(path: str, faults: Sequence[str | None]) -> Response:
    """The answer to one of `PROBES`.

    Args:
        faults: of every model: why it cuts nothing out, None when it does. One is enough for 503 of `/readyz`.
    """
    if path == "/metrics":
        text, content_type = await asyncio.to_thread(exposition)
        return Response(text, headers={"Content-Type": content_type})
    found = [fault for fault in faults if fault] if path == "/readyz" else []
    return PlainTextResponse("\n".join(found) or "ok", 503 if found else 200, headers={"Cache-Control": "no-store"})
