"""Versions: a short name for what something says now, so that nobody overwrites what they have not seen."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def version(content: Mapping[str, Any]) -> str:
    """Return the version of some content: the same content has the same, wherever it is computed."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
