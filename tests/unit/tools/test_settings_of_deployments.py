"""What compose and Kubernetes set is what the services read."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from common.settings import ServiceSettings
from intake.settings import Settings as Intake
from notify.settings import Settings as Notify
from reporting.settings import Settings as Reporting
from routing.settings import Settings as Routing

from tools.kustomize import build

ROOT = Path(__file__).parents[3]
SETTINGS: dict[str, type[ServiceSettings]] = {
    "intake": Intake,
    "routing": Routing,
    "notify": Notify,
    "reporting": Reporting,
}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
OF_THE_STREAMS = "PASOKH_REPLICATION"  # read by the command `streams` alone
SERVED = [name for name, service in COMPOSE.items() if service.get("command") in [[one] for one in SETTINGS]]
PODS = [d for d in build(ROOT / "deploy/k8s/overlays/production") if d["kind"] in ("Deployment", "StatefulSet")]


def names_of(settings: type[ServiceSettings]) -> set[str]:
    return {str(f.validation_alias or f"PASOKH_{name.upper()}") for name, f in settings.model_fields.items()}


def paths_of(environment: dict[str, str]) -> set[str]:
    return {value for value in environment.values() if value.startswith("/")}


@pytest.mark.parametrize("name", SERVED)
def test_what_compose_sets_a_service_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = COMPOSE[name]
    given = {variable: str(value) for variable, value in service["environment"].items()}
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    SETTINGS[service["command"][0]]()
    mounted = [volume.split(":")[1] for volume in service["volumes"]]
    assert all(any(f"{path}/".startswith(f"{one}/") for one in mounted) for path in paths_of(given))


@pytest.mark.parametrize("name", [name for name in SERVED if COMPOSE[name]["command"] in (["intake"], ["notify"])])
def test_compose_sets_nothing_that_nobody_reads(name: str) -> None:
    known = names_of(SETTINGS[COMPOSE[name]["command"][0]])
    assert COMPOSE[name]["environment"].keys() <= known


@pytest.mark.parametrize("pod", PODS, ids=[pod["metadata"]["name"] for pod in PODS])
def test_what_a_pod_sets_its_service_reads_and_its_files_are_mounted(pod: dict[str, Any]) -> None:
    [config] = [d for d in build(ROOT / "deploy/k8s/overlays/production") if d["kind"] == "ConfigMap"]
    [container] = pod["spec"]["template"]["spec"]["containers"]
    known = names_of(SETTINGS[container["args"][0]])
    assert {one["name"] for one in container["env"]} <= known
    read = {name for settings in SETTINGS.values() for name in names_of(settings)} | {OF_THE_STREAMS}
    assert config["data"].keys() <= read
    mounted = [one["mountPath"] for one in container.get("volumeMounts", ())]
    wanted = paths_of({name: value for name, value in config["data"].items() if name in known})
    assert all(any(path.startswith(f"{one}/") for one in mounted) for path in wanted)


def test_the_world_reaches_webhooks_and_the_app_but_nothing_of_staff() -> None:
    [ingress] = [d for d in build(ROOT / "deploy/k8s/overlays/production") if d["kind"] == "Ingress"]
    paths = [path["path"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    for inside in (
        "/metrics",
        "/v1/phone/queues",
        "/v1/inspections",
        "/v1/messages/1",
        "/v1/cases",
        "/v1/social/messages",
    ):
        assert not any(inside == path or inside.startswith(f"{path}/") for path in paths)
    for outside in ("/v1/social/telegram/pasokh", "/v1/app/messages", "/v1/uploads/1", "/v1/receipts/kavenegar"):
        assert any(outside.startswith(f"{path}/") for path in paths)


def test_a_stream_of_production_survives_a_broker() -> None:
    [config] = [d for d in build(ROOT / "deploy/k8s/overlays/production") if d["kind"] == "ConfigMap"]
    assert config["data"][OF_THE_STREAMS] == "3"


@pytest.mark.parametrize("patch", ["kind: ConfigMap\ndata: {}", "apiVersion: v1\nkind: ConfigMap\ndata: {}"])
def test_a_patch_that_kustomize_refuses_is_refused_here(patch: str, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {}\n")
    wanted = {"resources": ["one.yaml"], "patches": [{"target": {"kind": "ConfigMap"}, "patch": patch}]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
    with pytest.raises(ValueError, match=r"metadata\.name"):
        build(tmp_path)
