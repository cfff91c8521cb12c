"""Taking in a foreign network: read, wrap, check, keep."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from modelkit.zoo import check
from modelkit.zoo.local_store import check_name, keep, names
from modelkit.zoo.signature import Signature, read
from modelkit.zoo.wrap import INPUT, OUTPUT, serialised, wrap
from models import Colour, Layout, ModelError, ModelManifest, Origin, Tensor, Values, sort_nodes

Batch = Literal["any", "one"]


@dataclass(frozen=True)
class GraphHints:
    """What a graph does not say about itself. None: it has to, or its behaviour does.

    Attributes:
        mean, std: it takes (pixel / 255 - mean) / std.
        batch: "one" forbids several pictures in a run; "try" finds out.
    """

    mean: Colour | None = None
    std: Colour | None = None
    values: Values | None = None
    layout: Layout | None = None
    size: int | None = None
    input: str | None = None
    output: int | str | None = None
    batch: Literal["one", "try"] = "try"


@dataclass(frozen=True)
class Source:
    """Where a file comes from, and what may be done with it."""

    summary: str
    licence: str
    commercial: bool
    url: str | None = None


def import_model(
    file: Path, name: str, hints: GraphHints, source: Source, folder: Path, *, replace: bool = False
) -> ModelManifest:
    """Bring a network into our form, check it and keep it in the folder; `origin.checked` says how far it was checked.

    Raises:
        ModelError: it cannot be brought into our form, or fails the check. The folder is as it was.
    """
    check_name(name)
    if name in names(folder) and not replace:
        raise ModelError(f"There is a model {name} already; --replace puts the new one in its place.")
    model = _load(file)
    signature = read(model, input=hints.input, output=hints.output, layout=hints.layout, size=hints.size)
    _check_normalisation(signature, hints)
    content, values, batch, checked = _wrapped(file, model, signature, hints)
    manifest = _manifest(
        name,
        content,
        signature,
        batch=batch,
        licence=source.licence,
        origin=Origin(
            summary=source.summary,
            url=source.url,
            sha256=_sha256(file),
            commercial=source.commercial,
            layout=signature.layout,
            mean=hints.mean,
            std=hints.std,
            output=signature.output.name,
            values=values,
            checked=checked,
        ),
    )
    keep(manifest, content, folder)
    return ModelManifest.load(name, folder)


def _load(file: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(file)
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.") from error
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise ModelError(f"{file} is not an ONNX file: {error}") from error
    if not model.graph.node:
        raise ModelError(f"{file} is not an ONNX file, or is empty.")
    sort_nodes(model.graph)
    return model


def _check_normalisation(signature: Signature, hints: GraphHints) -> None:
    if signature.input.dtype == "uint8":
        if hints.mean or hints.std:
            raise ModelError(f"The input {signature.input} takes pixels as they are: no --mean and no --std.")
    elif hints.mean is None or hints.std is None:
        raise ModelError(
            "Say what the network was trained with, --mean and --std: often 0.485 0.456 0.406 and 0.229 0.224 0.225 "
            "(ImageNet), or 0.5 0.5 0.5 and 0.5 0.5 0.5; 0 0 0 and 1 1 1 for pixels of 0 to 1."
        )
    elif not all(hints.std):
        raise ModelError("--std cannot be 0.")


def _wrapped(
    file: Path, model: onnx.ModelProto, signature: Signature, hints: GraphHints
) -> tuple[bytes, Values, Batch, str]:
    """The content, what the output held, how many pictures per run, and how it was checked."""
    claimed = "alpha" if signature.output.dtype == "uint8" else hints.values
    try:
        proof = check.prove(file, signature, mean=hints.mean, std=hints.std)
    except check.NotRun as reason:
        return _unchecked(model, signature, hints, claimed, str(reason))
    values = check.judge(proof.raw, claimed)
    if hints.batch == "try":
        try:
            content = _content(model, signature, hints, values, "any")
            check.check(content, proof, values, together=True)
        except (check.NoBatch, check.NotRun):
            model = _load(file)  # the other was changed in place
        else:
            return content, values, "any", f"run with {check.runtime()}"
    content = _content(model, signature, hints, values, "one")
    try:
        check.check(content, proof, values, together=False)
    except check.NotRun as reason:
        raise ModelError(f"The network ran as it came, and does not run wrapped: {reason}") from reason
    return content, values, "one", f"run with {check.runtime()}"


def _unchecked(
    model: onnx.ModelProto, signature: Signature, hints: GraphHints, claimed: Values | None, reason: str
) -> tuple[bytes, Values, Batch, str]:
    if claimed is None:
        raise ModelError(f"The network cannot be run here ({reason}), so say what its output holds: --values.")
    batch: Batch = "any" if signature.batch is None and hints.batch == "try" else "one"
    content = _content(model, signature, hints, claimed, batch)
    return content, claimed, batch, f"the graph's form only; {check.runtime()}, does not run it: {reason}"


def _content(model: onnx.ModelProto, signature: Signature, hints: GraphHints, values: Values, batch: Batch) -> bytes:
    wrap(model, signature, mean=hints.mean, std=hints.std, values=values, batch=batch)
    return serialised(model)


def _manifest(
    name: str, content: bytes, signature: Signature, *, batch: Batch, licence: str, origin: Origin
) -> ModelManifest:
    digest = hashlib.sha256(content).hexdigest()
    return ModelManifest(
        name=name,
        file=f"{name}-{digest[:8]}.onnx",
        sha256=digest,
        licence=licence,
        batch=batch,
        input=Tensor(name=INPUT, size=signature.size, layout="NHWC", dtype="uint8"),
        output=Tensor(name=OUTPUT, size=signature.size, layout="NHW", dtype="uint8"),
        origin=origin,
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
