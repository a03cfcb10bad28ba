from pathlib import Path

import pytest

from tools.house_rules import check_source, check_text
from tools.kustomize import build
from tools.manifests import compose_breaches, manifest_breaches, whole_breaches

ROUTING = "services/routing/routing/cases.py"


@pytest.mark.parametrize(
    ("path", "source", "breach"),
    [
        (ROUTING, "import notify.sender", "may not import notify"),
        (ROUTING, "from workbench.kafka import Kafka", "may not import workbench"),
        ("libs/common/common/db.py", "from intake import api", "may not import intake"),
        (ROUTING, "AIOKafkaProducer()", "produce to Kafka"),
        (ROUTING, "await session.commit()", "only Database.transaction() commits"),
        (ROUTING, "x = 1\n" * 301, "301 lines"),
        (ROUTING, "def f():\n" + "    x = 1\n" * 40, "f has 41 lines"),
        (ROUTING, "class Manager: ...", "nothing may be called Manager"),
        ("services/routing/routing/utils.py", "", "may not be called utils"),
        (ROUTING, "x = 1  # TODO later", "unfinished"),
        (ROUTING, "x = 1  # noqa: E501", "needs its reason"),
        (ROUTING, "x = 1  # type: ignore[misc]", "needs its reason"),
    ],
)
def test_a_breach_is_found(path: str, source: str, breach: str) -> None:
    assert [found for found in check_source(path, source) if breach in found]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (ROUTING, "from common.events import Event\nfrom routing.city import City"),
        ("libs/common/common/relay.py", "kafka.producer(servers)"),
        ("libs/common/common/consumer.py", "client.commit(offsets)"),
        ("libs/workbench/workbench/demo.py", "import routing"),
        (ROUTING, "x = 1  # type: ignore[misc]  # aiokafka has no types"),
        ("services/routing/routing/models.py", "class Base: ..."),
    ],
)
def test_what_is_allowed_is_left_alone(path: str, source: str) -> None:
    assert list(check_source(path, source)) == []


def test_a_lock_file_holds_no_address() -> None:
    assert list(check_text("requirements.lock", "# https" + "://example.org"))
    assert list(check_text("requirements.lock", "fastapi==0.1 --hash=sha256:00")) == []


def test_an_overlay_is_built_with_its_patches_and_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("kind: Job\nmetadata: {name: a}\nspec: {image: 'app:1', n: 1}\n")
    whole = "resources: [one.yaml]\nnamespace: city\nimages: [{name: app, newTag: '2'}]\n"
    patch = "patches: [{target: {kind: Job}, patch: '{apiVersion: v1, metadata: {name: any}, spec: {n: 2}}'}]\n"
    (tmp_path / "kustomization.yaml").write_text(whole + patch)
    [document] = build(tmp_path)
    assert document["metadata"]["namespace"] == "city"
    assert document["spec"] == {"image": "app:2", "n": 2}
    (tmp_path / "kustomization.yaml").write_text(whole + "helmCharts: []\n")
    with pytest.raises(ValueError, match="helmCharts"):
        build(tmp_path)
    (tmp_path / "kustomization.yaml").write_text(whole + patch.replace("Job", "Pod"))
    with pytest.raises(ValueError, match="no document"):
        build(tmp_path)


def test_what_a_manifest_lacks_is_named() -> None:
    pod = {"containers": [{"name": "x", "image": "x:latest"}]}
    document = {"kind": "Deployment", "metadata": {"name": "x"}, "spec": {"template": {"spec": pod}}}
    found = " ".join([*manifest_breaches(document), *whole_breaches([document])])
    for lacking in ("runAsNonRoot", "may write", "capabilities", "resources", "pinned", "probe", "Budget", "scale"):
        assert lacking in found
    compose = {"services": {"x": {"image": "x", "restart": "always"}, "y": {"image": "y:latest"}}}
    assert len(list(compose_breaches(compose))) == 3
