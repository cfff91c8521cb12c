"""An MCP server with the tool `remove_background` for agents; the operator's wallet pays."""

import base64
import binascii
import sys
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ContentBlock, ImageContent, TextContent
from pydantic import Field

from clearcanvas.client import AsyncClient, CutOut
from clearcanvas.errors import ClearCanvasError, InvalidSetting
from clearcanvas.money import dollars
from clearcanvas.picture import MAX_BYTES
from clearcanvas.quote import Offer

_DEFAULT_FORMAT = "png"
_MAX_REQUEST_BYTES = MAX_BYTES * 4 // 3 + 100_000

SourcePath = Annotated[str | None, Field(description="A picture in the server's folder: JPEG, PNG or WebP.")]
SourceBase64 = Annotated[
    str | None, Field(description="The picture itself, as Base64 or a data: URL. Either this or `path`.")
]
SaveAs = Annotated[
    str | None, Field(description="A new file in the server's folder for the result; it replaces the inline answer.")
]
Format = Annotated[str, Field(description="png, webp or jpeg (jpeg needs the option bg_color).")]
Options = Annotated[
    dict[str, str] | None,
    Field(description="Further options of the service: model, bg_color, crop, max_side, size, ..."),
]


async def serve(client: AsyncClient, folder: Path | None, http: str | None) -> None:
    """Serve until the client disconnects (stdio) or the process ends (HTTP at `HOST:PORT`).

    Raises:
        ClearCanvasError: the service does not quote a price, or a setting is invalid.
    """
    async with client:
        server = build(client, await client.price({"format": _DEFAULT_FORMAT}), folder)
        if http is None:
            await server.run_stdio_async()
            return
        host, _, port = http.rpartition(":")
        if not (host and port.isdecimal()):
            raise InvalidSetting(f"--http {http} must be HOST:PORT, such as 127.0.0.1:8000.")
        sys.stderr.write(f"Serving http://{http}/mcp\n")
        await server.run_streamable_http_async(host=host, port=int(port), max_request_body_size=_MAX_REQUEST_BYTES)


def build(client: AsyncClient, offer: Offer, folder: Path | None) -> MCPServer:
    """The server; its tool description states the price.

    Args:
        folder: the tool may read and write its files; None if it may use no files.
    """
    server: MCPServer = MCPServer("clearcanvas", instructions=_instructions(client), log_level="WARNING")

    @server.tool(description=_description(offer, folder), structured_output=False)
    async def remove_background(
        path: SourcePath = None,
        image_base64: SourceBase64 = None,
        save_as: SaveAs = None,
        format: Format = _DEFAULT_FORMAT,
        options: Options = None,
    ) -> CallToolResult:
        choices = {"format": format, **(options or {})}
        try:
            source = _source(folder, path, image_base64)
            if save_as is None:
                return _result(await client.remove_background(source, choices), inline=True)
            if not isinstance(source, Path):
                raise InvalidSetting("`save_as` requires `path`; a picture sent as Base64 is returned inline.")
            target = _inside(folder, save_as)
            return _result(await client.remove_background_file(source, target, choices), inline=False)
        except ClearCanvasError as error:
            raise ToolError(str(error)) from None

    return server


def _instructions(client: AsyncClient) -> str:
    return (
        f"Each call buys one cut-out; the operator's wallet pays, up to {dollars(client.budget)} in all. The same "
        "picture with the same options is paid once: if a call fails or times out, repeat the same call."
    )


def _description(offer: Offer, folder: Path | None) -> str:
    files = (
        "A file of the server's folder (`path`) or Base64" if folder else "Base64 (`image_base64`; no folder is shared)"
    )
    return (
        f"Remove the background of a photo. Costs {dollars(offer.amount)} per picture (of the default model), paid by "
        f"the operator's wallet over {offer.rail}; a picture that fails is not charged, and a repeated call is not "
        f"charged twice. Input: {files}; JPEG, PNG or WebP up to 25 MB. Returns the cut-out and the payment's receipt."
    )


def _source(folder: Path | None, path: str | None, image_base64: str | None) -> Path | bytes:
    if (path is None) == (image_base64 is None):
        raise InvalidSetting("Name the picture by `path` or send it as `image_base64`, not both.")
    if path is not None:
        return _inside(folder, path)
    encoded = str(image_base64)
    if encoded.startswith("data:"):
        encoded = encoded.partition(",")[2]
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSetting("`image_base64` must be Base64 without line breaks.") from None


def _inside(folder: Path | None, name: str) -> Path:
    """The path of a file in the shared folder, with links resolved.

    Raises:
        InvalidSetting: no folder is shared, or the path leads out of it.
    """
    if folder is None:
        raise InvalidSetting("The server shares no folder (it was started without --folder). Send `image_base64`.")
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise InvalidSetting(f"{name} is outside the shared folder.")
    return path


def _result(cut_out: CutOut, *, inline: bool) -> CallToolResult:
    content: list[ContentBlock] = []
    if inline:
        data = base64.b64encode(cut_out.content).decode()
        content.append(ImageContent(type="image", data=data, mime_type=cut_out.media_type))
    structured: dict[str, Any] = {"outcome": cut_out.outcome.value, "receipt": cut_out.receipt}
    receipt = cut_out.receipt
    content.append(TextContent(type="text", text=_told(cut_out, dollars(int(receipt["amount"])))))
    return CallToolResult(content=content, structured_content=structured)


def _told(cut_out: CutOut, amount: str) -> str:
    rail, network, transaction = (cut_out.receipt[name] for name in ("rail", "network", "transaction"))
    what = f"{cut_out.outcome.value}: {len(cut_out.content):,} bytes of {cut_out.media_type}"
    return f"{what}, {amount} over {rail} ({network}), transaction {transaction}."
