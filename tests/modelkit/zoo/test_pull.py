"""From the catalogue to a model that can be served, with a real server and a real network."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelkit.zoo import output
from modelkit.zoo.entries import Entry, catalogue
from modelkit.zoo.local_store import check_name
from modelkit.zoo.pull import pull
from models.manifest import ModelError, ModelManifest
from tests.fakes.file_server import FileServer, serve_file
from tests.modelkit.zoo.graphs import MEAN, SIZE, STD, conv, save


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    with serve_file(save(tmp_path, conv()).read_bytes()) as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "models"


def _entry(server: FileServer, **facts: Any) -> Entry:
    table = {
        "about": "a test's",
        "url": server.url,
        "licence": "MIT",
        "commercial": True,
        "size": SIZE,
        "mean": MEAN,
        "std": STD,
        "output": 0,
        "batch": "try",
        "backends": ["cpu"],
    }
    return Entry.model_validate(table | facts)


def _sha256(server: FileServer) -> str:
    return hashlib.sha256(server.content).hexdigest()


def test_a_pulled_model_can_be_served_and_nothing_else_is_left(server: FileServer, store: Path) -> None:
    manifest = pull("small", _entry(server, sha256=_sha256(server)), store)
    assert ModelManifest.load("small", store) == manifest
    assert manifest.weights()
    assert manifest.origin
    assert (manifest.origin.url, manifest.origin.sha256) == (server.url, _sha256(server))
    assert {path.name for path in store.rglob("*") if path.is_file()} == {"small.toml", manifest.file}


def test_a_licence_that_forbids_selling_needs_the_flag(server: FileServer, store: Path) -> None:
    entry = _entry(server, licence="CC BY-NC-4.0", commercial=False)
    with pytest.raises(ModelError, match=r"CC BY-NC-4\.0, which forbids commercial use: .* --accept-non-commercial"):
        pull("small", entry, store)
    assert not server.requests
    manifest = pull("small", entry, store, accept_non_commercial=True)
    assert manifest.origin
    assert not manifest.origin.commercial


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_another_file_than_the_catalogue_names_is_refused(server: FileServer, store: Path, algorithm: str) -> None:
    entry = _entry(server, **{algorithm: hashlib.new(algorithm, b"another").hexdigest()})
    with pytest.raises(ModelError, match=f"its {algorithm} is .* and not {getattr(entry, algorithm)}"):
        pull("small", entry, store)


def test_the_operators_own_digest_counts(server: FileServer, store: Path) -> None:
    with pytest.raises(ModelError, match="is not the file it should be"):
        pull("small", _entry(server), store, sha256="0" * 64)
    with pytest.raises(ModelError, match="not the one that was given"):
        pull("small", _entry(server, sha256=_sha256(server)), store, sha256="0" * 64)
    assert pull("small", _entry(server), store, sha256=_sha256(server))


def test_the_first_pull_pins_what_nobody_publishes(server: FileServer, store: Path, tmp_path: Path) -> None:
    manifest = pull("small", _entry(server), store)
    assert pull("small", _entry(server), store) == manifest
    first = _sha256(server)
    server.content = save(tmp_path, conv(), opset=18).read_bytes()
    with pytest.raises(ModelError, match=f"has changed: its SHA-256 is {_sha256(server)}, and was {first}"):
        pull("small", _entry(server), store)
    assert ModelManifest.load("small", store).weights()


def test_a_network_that_fails_its_check_is_not_downloaded_again(server: FileServer, store: Path) -> None:
    wrong = {"sha256": _sha256(server), "values": "probabilities"}
    for _ in range(2):
        with pytest.raises(ModelError, match="perhaps logits"):
            pull("small", _entry(server, **wrong), store)
    assert len(server.requests) == 1
    assert pull("small", _entry(server, **wrong | {"values": "logits"}), store)
    assert len(server.requests) == 1


def test_the_operator_is_told_what_comes_and_what_came(
    server: FileServer, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = _entry(server, licence_note="Read this.")
    output.pull("small", entry, store)
    told = capsys.readouterr()
    assert "Licence MIT. Digest: none published" in told.out
    assert "Read this." in told.out
    assert f"The file as it came has the SHA-256 {_sha256(server)}; it is pinned." in told.out
    assert f"{len(server.content)}/{len(server.content)} bytes" in told.err
    output.pull("small", entry, store)
    assert "small is here already" in capsys.readouterr().out
    assert len(server.requests) == 1


def test_what_is_here_and_broken_is_pulled_again(server: FileServer, store: Path) -> None:
    output.pull("small", _entry(server), store)
    ModelManifest.load("small", store).path.write_bytes(b"")
    output.pull("small", _entry(server), store)
    assert ModelManifest.load("small", store).weights()


def test_the_catalogue_has_what_a_pull_needs() -> None:
    for name, entry in catalogue().items():
        check_name(name)
        assert entry.url.startswith("https://")
        assert entry.commercial is ("NC" not in entry.licence)
        assert not (entry.md5 and entry.sha256)
    assert {
        "birefnet-general",
        "birefnet-general-lite",
        "birefnet-portrait",
        "birefnet-hr-matting",
    } <= catalogue().keys()
