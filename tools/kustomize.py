"""The part of kustomize that our overlays use, built strictly: what it does not know is an error."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

KNOWN = {"apiVersion", "kind", "resources", "namespace", "labels", "images", "patches"}


def build(folder: Path) -> list[dict[str, Any]]:
    """The documents that `kustomize build` would give for a folder; ValueError where it asks for more than we know."""
    wanted = yaml.safe_load((folder / "kustomization.yaml").read_text())
    if unknown := set(wanted) - KNOWN:
        raise ValueError(f"{folder}: {sorted(unknown)} is not built here")
    documents: list[dict[str, Any]] = []
    for name in wanted.get("resources", []):
        path = folder / name
        documents += build(path) if path.is_dir() else [d for d in yaml.safe_load_all(path.read_text()) if d]
    for patch in wanted.get("patches", []):
        _patch(documents, patch, folder)
    for document in documents:
        _place(document, wanted)
    return documents


def _place(document: dict[str, Any], wanted: Mapping[str, Any]) -> None:
    metadata = document.setdefault("metadata", {})
    if "namespace" in wanted and document["kind"] != "Namespace":
        metadata["namespace"] = wanted["namespace"]
    for entry in wanted.get("labels", []):
        metadata.setdefault("labels", {}).update(entry["pairs"])
    for image in wanted.get("images", []):
        _set_image(document, image["name"], f"{image.get('newName', image['name'])}:{image['newTag']}")


def _set_image(node: Any, name: str, image: str) -> None:
    if isinstance(node, list):
        for item in node:
            _set_image(item, name, image)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "image" and isinstance(value, str) and value.split(":")[0] == name:
                node[key] = image
            else:
                _set_image(value, name, image)


def _patch(documents: list[dict[str, Any]], patch: Mapping[str, Any], folder: Path) -> None:
    """A strategic-merge patch on every document that its target (kind, name) selects; lists are replaced."""
    text = (folder / patch["path"]).read_text() if "path" in patch else patch["patch"]
    change = yaml.safe_load(text)
    target = patch["target"]
    if "apiVersion" not in change or not change.get("metadata", {}).get("name"):
        raise ValueError(f"{folder}: kustomize takes no patch without apiVersion and metadata.name, for {target}")
    hit = [d for d in documents if d["kind"] == target["kind"] and target.get("name") in (None, d["metadata"]["name"])]
    if not hit:
        raise ValueError(f"{folder}: no document is {target}")
    for document in hit:
        _merge(document, {key: value for key, value in change.items() if key not in ("kind", "apiVersion", "metadata")})


def _merge(into: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
