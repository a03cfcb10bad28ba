"""compose.yaml and the Kubernetes manifests, checked strictly and offline."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from tools.kustomize import build

ROOT = Path(__file__).parents[1]
OVERLAYS = ("local", "production")
KUBERNETES = "1.31"
_SCALED = {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "triggers", "pollingInterval", "cooldownPeriod"}


def check_compose() -> str:
    """Against the Compose specification's schema, and our own rules."""
    schema = ["--builtin-schema", "vendor.compose-spec", str(ROOT / "compose.yaml")]
    checker = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run([str(checker), *schema], capture_output=True, text=True)
    found = [done.stdout + done.stderr] if done.returncode else []
    return "\n".join([*found, *compose_breaches(yaml.safe_load((ROOT / "compose.yaml").read_text()))])


def compose_breaches(document: dict[str, Any]) -> Iterator[str]:
    """What runs for long has a health check and comes back; images are pinned; secrets are not in the file."""
    for name, service in document["services"].items():
        lasting = service.get("restart") not in (None, "no")
        if lasting and "healthcheck" not in service:
            yield f"compose: {name} has no healthcheck"
        image = service.get("image", "")
        if "build" not in service and ":" not in image:
            yield f"compose: {name}'s image is not pinned"
        if image.endswith(":latest"):
            yield f"compose: {name}'s image is latest"


def check_kubernetes() -> str:
    """Both overlays, built and validated document by document."""
    found: list[str] = []
    for overlay in OVERLAYS:
        documents = build(ROOT / "deploy" / "k8s" / "overlays" / overlay)
        for document in documents:
            found += _valid(document, overlay)
            found += manifest_breaches(document)
        found += whole_breaches(documents)
    return "\n".join(found)


def _valid(document: dict[str, Any], overlay: str) -> list[str]:
    name = f"{overlay}: {document['kind']} {document['metadata']['name']}"
    if document["apiVersion"].startswith("keda.sh/"):
        unknown = set(document["spec"]) - _SCALED
        return [f"{name}: {sorted(unknown)} is no field of a ScaledObject"] if unknown else []
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.InvalidSchemaError) as error:
        return [f"{name}: {error}"]
    return []


def manifest_breaches(document: dict[str, Any]) -> Iterator[str]:
    """Every pod: not root, nothing writable, no capabilities, bounded; every server: probes."""
    if document["kind"] not in ("Deployment", "StatefulSet", "Job"):
        return
    name = f"{document['kind']} {document['metadata']['name']}"
    pod = document["spec"]["template"]["spec"]
    if not pod.get("securityContext", {}).get("runAsNonRoot"):
        yield f"{name}: runAsNonRoot is missing"
    for container in pod["containers"]:
        context = container.get("securityContext", {})
        if not context.get("readOnlyRootFilesystem") or context.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: the container may write or rise"
        if context.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{name}: capabilities are not dropped"
        if not {"requests", "limits"} <= container.get("resources", {}).keys():
            yield f"{name}: resources are not bounded"
        if ":" not in container["image"] or container["image"].endswith(":latest"):
            yield f"{name}: the image is not pinned"
        if document["kind"] != "Job" and not {"livenessProbe", "readinessProbe"} <= container.keys():
            yield f"{name}: a probe is missing"


def whole_breaches(documents: list[dict[str, Any]]) -> Iterator[str]:
    """Every server has a budget for disruptions, something that scales it, and a network policy."""
    servers = {d["metadata"]["name"] for d in documents if d["kind"] in ("Deployment", "StatefulSet")}
    budgets = {d["metadata"]["name"] for d in documents if d["kind"] == "PodDisruptionBudget"}
    scaled = {
        d["spec"]["scaleTargetRef"]["name"]
        for d in documents
        if d["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")
    }
    for name in sorted(servers - budgets):
        yield f"{name} has no PodDisruptionBudget"
    for name in sorted(servers - scaled):
        yield f"{name} does not scale"
    if not any(d["kind"] == "NetworkPolicy" for d in documents):
        yield "there is no NetworkPolicy"
