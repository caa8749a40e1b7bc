"""The manifests of examples/serving: they name what `deploy` writes, and each other."""

from __future__ import annotations

import inspect
import json
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

from keras_bert_zoo.export.savedmodel.deployment import deploy
from keras_bert_zoo.export.savedmodel.serving_config import BATCHING, MODELS, MONITORING

SERVING = pathlib.Path(__file__).parents[2] / "examples/serving"
DEFAULTS = {k: p.default for k, p in inspect.signature(deploy).parameters.items()}
FILES = {
    "--model_config_file": MODELS,
    "--batching_parameters_file": BATCHING,
    "--monitoring_config_file": MONITORING,
}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((SERVING / "compose.yaml").read_text())["services"]["bert"]


@pytest.fixture(scope="module")
def kubernetes():
    documents = yaml.safe_load_all((SERVING / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


@pytest.fixture(scope="module")
def dockerfile():
    return (SERVING / "Dockerfile").read_text().replace("\\\n", "")


def arguments_of(words):
    return dict(word.split("=", 1) for word in words)


def test_both_start_the_server_with_the_files_of_the_tree(compose, dockerfile):
    command = json.loads(re.search(r"^CMD (.*)$", dockerfile, re.MULTILINE)[1])
    for words in (compose["command"], command):
        arguments = arguments_of(words)
        for flag, file in FILES.items():
            assert arguments[flag] == f"{DEFAULTS['root']}/{file}"
        assert arguments["--enable_batching"] == "true"


def test_both_put_the_tree_where_its_config_says(compose, dockerfile):
    assert compose["volumes"] == [f"./serving:{DEFAULTS['root']}:ro"]
    assert re.search(r"^COPY (.*)$", dockerfile, re.MULTILINE)[1] == f"serving {DEFAULTS['root']}"


def test_both_take_the_same_server(compose, dockerfile):
    version = re.search(r"^ARG TENSORFLOW_SERVING=(.*)$", dockerfile, re.MULTILINE)[1]
    assert compose["image"] == f"tensorflow/serving:{version}"


def test_compose_listens_on_this_machine_only(compose):
    assert all(port.startswith("127.0.0.1:") for port in compose["ports"])


def test_kubernetes_objects_find_each_other(kubernetes):
    deployment, service = kubernetes["Deployment"], kubernetes["Service"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels
    target = kubernetes["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    assert "replicas" not in deployment["spec"]  # the autoscaler's number would be reset


def test_probes_ask_the_deployed_model(kubernetes):
    (container,) = kubernetes["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    for name in ("startupProbe", "readinessProbe"):
        probe = container[name]["httpGet"]
        assert probe == {"path": f"/v1/models/{DEFAULTS['name']}", "port": "rest"}
    assert container["livenessProbe"]["tcpSocket"]["port"] in ports
    assert {p["targetPort"] for p in kubernetes["Service"]["spec"]["ports"]} == set(ports)
    # The autoscaler computes a share of it.
    assert "cpu" in container["resources"]["requests"]


@pytest.mark.clients
def test_kubernetes_schema(kubernetes):
    import kubernetes_validate

    for document in kubernetes.values():
        kubernetes_validate.validate(document, "1.30", strict=True)
    kubernetes["Service"]["spec"]["portz"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(kubernetes["Service"], "1.30", strict=True)


@pytest.mark.clients
def test_compose_schema(tmp_path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*command, str(SERVING / "compose.yaml")], check=True)
    (tmp_path / "compose.yaml").write_text("services: {bert: {imagery: x}}")
    assert subprocess.run([*command, str(tmp_path / "compose.yaml")], check=False).returncode == 1
