"""An agent skill (https://agentskills.io) that explains how to buy a cut-out, and the index of skills."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from api.documents import Document
from api.templates import render

NAME = "remove-background"
SKILL_PATH = f"/.well-known/agent-skills/{NAME}/SKILL.md"
INDEX_PATH = "/.well-known/agent-skills/index.json"
_SCHEMA = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"


def agent_skill(origin: str, values: Mapping[str, Any]) -> dict[str, Document]:
    """The skill and its index, by path.

    Args:
        origin: origin of the host.
        values: values of the page template.
    """
    description = render("skill_description.txt", **values).strip()
    skill = render("SKILL.md", skill=NAME, description=description, **values)
    entry = {
        "name": NAME,
        "type": "skill-md",
        "description": description,
        "url": origin + SKILL_PATH,
        "digest": f"sha256:{hashlib.sha256(skill.encode()).hexdigest()}",
    }
    return {
        SKILL_PATH: Document(skill, "text/markdown"),
        INDEX_PATH: Document(json.dumps({"$schema": _SCHEMA, "skills": [entry]}), "application/json"),
    }
