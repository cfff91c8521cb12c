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
    """A file to decode. The buffer comes beside it, as a descriptor.

    Attributes:
        body_bytes: the file's, which stands in the buffer behind the room for the pixels, `pixel_bytes` from the start.
        buffer: number of a buffer that will come again; 0 of one that will not.
        buffer_bytes: all of it.
    """

    info: ImageInfo
    body_bytes: int
    buffer: int
    buffer_bytes: int

    @property
    def pixel_bytes(self) -> int:
        """Bytes of the picture, RGBA."""
        return 4 * self.info.width * self.info.height

    def packet(self) -> bytes:
        """As it is sent."""
        return json.dumps(asdict(self) | {"info": asdict(self.info) | {"format": self.info.format.name}}).encode()

    @classmethod
    def of(cls, packet: bytes) -> "Task":
        """As it was sent."""
        task = json.loads(packet)
        info = task["info"] | {"format": ImageFormat[task["info"]["format"]]}
        return cls(**task | {"info": ImageInfo(**info)})


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a task; of the process itself where it has just started. Exactly one of these is set.

    Attributes:
        has_alpha: the pixels stand in the shared memory; whether the upload had an alpha of its own.
        refusal: the public sentence of an `InvalidImage`.
        fault: what else went wrong, for the log; after it the process is not used again.
        unsealed: of a process that has started: why the kernel still does everything for it; empty where it does not.
    """

    has_alpha: bool | None = None
    refusal: str | None = None
    fault: str | None = None
    unsealed: str | None = None

    def packet(self) -> bytes:
        """As it is sent; texts are cut."""
        cut = {name: each[:_MAX_TEXT] if isinstance(each, str) else each for name, each in asdict(self).items()}
        return json.dumps({name: each for name, each in cut.items() if each is not None}).encode()

    @classmethod
    def of(cls, packet: bytes) -> "Reply":
        """As it was sent.

        Raises:
            ValueError: the packet is not a reply.
        """
        match json.loads(packet or "null"):  # a process that has ended sends nothing
            case {"has_alpha": bool(has_alpha)}:
                return cls(has_alpha=has_alpha)
            case {"refusal": str(refusal)}:
                return cls(refusal=refusal)
            case {"fault": str(fault)}:
                return cls(fault=fault)
            case {"unsealed": str(unsealed)}:
                return cls(unsealed=unsealed)
            case other:
                raise ValueError(f"not a reply: {type(other).__name__}")
