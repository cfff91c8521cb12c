"""Messages between the service and a decoder process: one JSON object in one packet.

The service trusts no reply: a compromised codec may send any value of these types.
"""

import json
from dataclasses import asdict, dataclass

from imaging.formats import ImageFormat
from imaging.probing import ImageInfo

MAX_PACKET = 4096
_MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Task:
    """A file to decode. The buffer's descriptor is sent with the packet.

    Attributes:
        body_bytes: size of the file, which is in the buffer after the space for the pixels, at offset `pixel_bytes`.
        buffer: number of a reusable buffer; 0 for a buffer that is used once.
        buffer_bytes: size of the buffer.
    """

    info: ImageInfo
    body_bytes: int
    buffer: int
    buffer_bytes: int

    @property
    def pixel_bytes(self) -> int:
        """Bytes of the RGBA image."""
        return 4 * self.info.width * self.info.height

    def packet(self) -> bytes:
        """Serialise to a packet."""
        return json.dumps(asdict(self) | {"info": asdict(self.info) | {"format": self.info.format.name}}).encode()

    @classmethod
    def of(cls, packet: bytes) -> "Task":
        """Parse a packet."""
        task = json.loads(packet)
        info = task["info"] | {"format": ImageFormat[task["info"]["format"]]}
        return cls(**task | {"info": ImageInfo(**info)})


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a task, or of the process's start. Exactly one attribute is set.

    Attributes:
        has_alpha: success: the pixels are in the shared memory; whether the upload had an alpha channel.
        refusal: the public message of an `InvalidImage`.
        fault: another error, for the log; the process is not used again.
        filter_error: the process has started: why it has no seccomp filter; empty if it has one.
    """

    has_alpha: bool | None = None
    refusal: str | None = None
    fault: str | None = None
    filter_error: str | None = None

    def packet(self) -> bytes:
        """Serialise to a packet; long texts are truncated."""
        cut = {name: each[:_MAX_TEXT] if isinstance(each, str) else each for name, each in asdict(self).items()}
        return json.dumps({name: each for name, each in cut.items() if each is not None}).encode()

    @classmethod
    def of(cls, packet: bytes) -> "Reply":
        """Parse a packet.

        Raises:
            ValueError: the packet is not a reply.
        """
        match json.loads(packet or "null"):  # empty if the process has ended
            case {"has_alpha": bool(has_alpha)}:
                return cls(has_alpha=has_alpha)
            case {"refusal": str(refusal)}:
                return cls(refusal=refusal)
            case {"fault": str(fault)}:
                return cls(fault=fault)
            case {"filter_error": str(filter_error)}:
                return cls(filter_error=filter_error)
            case other:
                raise ValueError(f"not a reply: {type(other).__name__}")
