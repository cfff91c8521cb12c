"""The picture in JSON, for clients that accept only JSON: `Accept: application/json`.

It is encoded after the sale and is not part of the order: the same payment delivers the same picture in either form.
"""

import base64
import json
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.accept import preferred
from imaging import OUTPUTS

JSON = "application/json"
_IMAGES = tuple(each.media_type for each in OUTPUTS)
_AFTER = b'"}}'
_PLACES = ("left", "top", "width", "height")


def is_wanted(headers: Headers) -> bool:
    """Whether `Accept` prefers JSON to every image format.

    Some libraries name JSON before `*/*` by default; they get the picture.
    """
    return preferred(headers.getlist("accept"), (*_IMAGES, JSON)) == JSON


class JsonAnswerMiddleware:
    """Converts a delivered picture to `{"data": {"result_b64": …}}`, in pieces."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; refusals are raised, so every response is a picture."""
        wrapped = _Wrapped(send) if is_wanted(Headers(scope=scope)) else send
        await self.app(scope, receive, wrapped)


class _Wrapped:
    """Converts a picture's ASGI messages to JSON."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._before = b""
        self._rest = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(self._head(message))
        elif message["type"] == "http.response.body":
            await self._send(self._piece(message))

    def _head(self, message: Message) -> Message:
        headers = MutableHeaders(raw=list(message["headers"]))
        self._before = _before(headers)
        size = int(headers["content-length"])
        headers["content-type"] = JSON
        headers["content-length"] = str(len(self._before) + (size + 2) // 3 * 4 + len(_AFTER))
        headers.add_vary_header("Accept")
        return {**message, "headers": headers.raw}

    def _piece(self, message: Message) -> Message:
        more = message.get("more_body", False)
        content = self._rest + message.get("body", b"")
        whole = len(content) // 3 * 3 if more else len(content)
        self._rest = content[whole:]
        text = self._before + base64.b64encode(content[:whole]) + (b"" if more else _AFTER)
        self._before = b""
        return {**message, "body": text}


def _before(headers: Headers) -> bytes:
    """The JSON before the picture: position and haze of the subject, media type and size."""
    members: dict[str, Any] = {f"foreground_{each}": int(headers[f"x-foreground-{each}"]) for each in _PLACES}
    members |= {each: int(headers[f"x-{each}"]) for each in ("width", "height")}
    members["foreground_haze"] = float(headers["x-foreground-haze"])
    members["media_type"] = headers["content-type"]
    return b'{"data":' + json.dumps(members, separators=(",", ":")).encode()[:-1] + b',"result_b64":"'
