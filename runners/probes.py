"""The runner's endpoints without authentication: liveness, readiness and metrics."""

import asyncio
from collections.abc import Sequence

from starlette.responses import PlainTextResponse, Response

from telemetry import exposition

PROBES = frozenset({"/livez", "/readyz", "/metrics"})


async def probe(path: str, faults: Sequence[str | None]) -> Response:
    """The response for one of `PROBES`.

    Args:
        faults: the fault of each model, None if it is available. One fault makes `/readyz` answer 503.
    """
    if path == "/metrics":
        text, content_type = await asyncio.to_thread(exposition)
        return Response(text, headers={"Content-Type": content_type})
    found = [fault for fault in faults if fault] if path == "/readyz" else []
    return PlainTextResponse("\n".join(found) or "ok", 503 if found else 200, headers={"Cache-Control": "no-store"})
