"""What the Dockerfile promises, read from its text; `make image-replay` builds it and runs what comes of it."""

import re

from sandbox.process import ROOT

TEXT = (ROOT / "deploy/Dockerfile.j2").read_text()


def _instructions(text: str) -> list[tuple[str, str]]:
    """Keyword and argument of each instruction, continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(keyword, rest.strip()) for keyword, _, rest in (line.partition(" ") for line in joined)]


INSTRUCTIONS = _instructions(TEXT)
LAST_STAGE = INSTRUCTIONS[max(place for place, (keyword, _) in enumerate(INSTRUCTIONS) if keyword == "FROM") :]
SHARED = [each for each in INSTRUCTIONS if each[0] == "RUN" and "tini" in each[1]]


def test_the_base_is_named_by_digest_and_there_is_no_other() -> None:
    assert re.fullmatch(r"BASE=docker\.io/library/debian:\S+@sha256:[0-9a-f]{64}", INSTRUCTIONS[0][1])
    bases = [rest.split(" ")[0] for keyword, rest in INSTRUCTIONS if keyword == "FROM"]
    assert bases == ["${BASE}", "base", "base"]


def test_every_installation_of_packages_asks_for_hashes() -> None:
    runs = [rest for keyword, rest in INSTRUCTIONS if keyword == "RUN" and "pip install" in rest]
    assert runs
    assert all("--require-hashes" in rest for rest in runs)


def test_what_is_left_installs_and_compiles_nothing() -> None:
    commands = [rest for keyword, rest in [*SHARED, *LAST_STAGE] if keyword == "RUN"]
    installed = [word for rest in commands for word in re.findall(r"--no-install-recommends ([^&]*)", rest)]
    assert [each.split() for each in installed] == [["ca-certificates", "python3", "tini"]]
    assert not [rest for rest in commands if "pip" in rest]


def test_it_runs_as_a_number_that_is_not_root() -> None:
    assert [rest for keyword, rest in LAST_STAGE if keyword == "USER"] == ["10001:10001"]


def test_state_and_cache_outlive_the_container_where_the_settings_look_for_them() -> None:
    assert ("VOLUME", '["/var/lib/clearcanvas", "/var/cache/clearcanvas"]') in LAST_STAGE
    [environment] = [rest for keyword, rest in LAST_STAGE if keyword == "ENV"]
    assert "CLEARCANVAS_DATABASE_URL=sqlite:////var/lib/clearcanvas/" in environment
    assert "CLEARCANVAS_RUNNER__MODELS_FOLDER=/var/lib/clearcanvas/" in environment
    assert "CLEARCANVAS_RUNNER__ENGINES_FOLDER=/var/cache/clearcanvas/" in environment


def test_its_health_is_looked_at_and_its_processes_are_reaped() -> None:
    keywords = dict(LAST_STAGE)
    assert "deploy.healthcheck" in keywords["HEALTHCHECK"]
    assert keywords["ENTRYPOINT"] == '["/usr/bin/tini", "--"]'
