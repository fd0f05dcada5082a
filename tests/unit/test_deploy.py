"""What is handed out for deployment is well-formed, and speaks of settings that there are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from todo.entrypoints.environment import file_variable, load_settings, variable
from todo.entrypoints.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {variable(field) for field in Settings.model_fields} | {
    name for field in Settings.model_fields if (name := file_variable(field))
}
GRACE = Settings.model_fields["shutdown_seconds"].default


def text(name: str) -> str:
    return (ROOT / name).read_text()


def compose(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text(name)))


def manifests() -> list[dict[str, Any]]:
    files = ["deploy/kubernetes.yaml", "deploy/secret.example.yaml"]
    return [each for name in files for each in yaml.safe_load_all(text(name))]


def manifest(kind: str) -> dict[str, Any]:
    (found,) = [each for each in manifests() if each["kind"] == kind]
    return found


def seconds(duration: str) -> int:
    assert duration.endswith("s")
    return int(duration[:-1])


def by_default(value: str) -> str:
    """The value, where nobody sets the variables in it."""
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value)


@pytest.mark.parametrize(
    "name", [*sorted(str(path.relative_to(ROOT)) for path in DEPLOY.iterdir() if path.is_file()), "docker-compose.yml"]
)
def test_only_settings_that_there_are_are_named(name: str) -> None:
    named = set(re.findall(r"\bTODO_[A-Z_]*[A-Z]\b", text(name)))
    # compose's own, which it hands on under the same name
    assert named <= SETTINGS, named - SETTINGS


def test_the_values_are_ones_that_the_settings_take() -> None:
    service = compose("deploy/compose.yml")["services"]["service"]["environment"]
    deployment = manifest("Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    for given in (service, {each["name"]: each["value"] for each in deployment}):
        plain = {name: by_default(value) for name, value in given.items()}
        taken = load_settings({name: value for name, value in plain.items() if not name.endswith("_FILE")})
        assert taken.trusted_proxies
        assert taken.metrics_port == 9000


# One host


def test_only_the_tls_front_is_published() -> None:
    services = compose("deploy/compose.yml")["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"caddy"}
    assert services["database"]["networks"] == ["back"]
    assert compose("deploy/compose.yml")["networks"]["back"]["internal"]


def test_the_trusted_network_is_the_one_that_the_front_speaks_from() -> None:
    whole = compose("deploy/compose.yml")
    (network,) = whole["networks"]["front"]["ipam"]["config"]
    assert whole["services"]["service"]["environment"]["TODO_TRUSTED_PROXIES"] == network["subnet"]
    assert whole["services"]["caddy"]["networks"] == ["front"]


def test_secrets_are_files_that_the_script_makes() -> None:
    whole = compose("deploy/compose.yml")
    made = set(re.findall(r"> (secrets/\w+)", text("deploy/make-secrets")))
    assert {secret["file"].removeprefix("./") for secret in whole["secrets"].values()} == made
    for service in whole["services"].values():
        for name, value in service.get("environment", {}).items():
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    assert {"/deploy/.env", "/deploy/secrets/"} <= set(text(".gitignore").splitlines())


@pytest.mark.parametrize("name", ["docker-compose.yml", "deploy/compose.yml"])
def test_containers_are_sealed_and_given_time_to_stop(name: str) -> None:
    service = compose(name)["services"]["service"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert seconds(service["stop_grace_period"]) > int(by_default(service["environment"]["TODO_SHUTDOWN_SECONDS"]))


def test_what_the_example_of_an_environment_sets_is_handed_on() -> None:
    named = set(re.findall(r"^#([A-Z_]+)=", text(".env.example"), flags=re.MULTILINE))
    handed_on = set(re.findall(r"\$\{([A-Z_]+)", text("docker-compose.yml")))
    # compose has a database of its own, and the image says where it listens
    assert named - handed_on == {"TODO_DATABASE_URL", "TODO_DATA_DIR", "TODO_HOST"}
    assert handed_on <= named


def test_every_database_tells_that_it_is_healthy() -> None:
    for name in ("docker-compose.yml", "deploy/compose.yml"):
        assert compose(name)["services"]["database"]["healthcheck"]["test"][0] == "CMD"


# Kubernetes


@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
def test_the_manifests_fit_the_schemas_of_kubernetes(version: str) -> None:
    for each in manifests():
        kubernetes_validate.validate(each, version, strict=True)


def test_pods_are_sealed_and_nobody() -> None:
    for kind in ("Job", "Deployment"):
        pod = manifest(kind)["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] == 10001
        assert not pod["automountServiceAccountToken"]
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} == set(container["resources"])


def test_pods_are_probed_and_given_time_to_stop() -> None:
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    asked = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    told = {each["name"]: each["value"] for each in container["env"]}
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > int(told["TODO_SHUTDOWN_SECONDS"]) + pause


def test_the_manifests_belong_together() -> None:
    deployment, job, service = manifest("Deployment"), manifest("Job"), manifest("Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (
        deployment["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
        assert not selector.items() <= job["spec"]["template"]["metadata"]["labels"].items()
    pods = [each["spec"]["template"]["spec"] for each in (deployment, job)]
    assert len({pod["containers"][0]["image"] for pod in pods}) == 1
    keys = {f"/run/secrets/todo/{key}" for key in manifest("Secret")["stringData"]}
    for pod in pods:
        assert pod["volumes"][0]["secret"]["secretName"] == manifest("Secret")["metadata"]["name"]
        assert keys == {each["value"] for each in pod["containers"][0]["env"] if each["name"].endswith("_FILE")}


# The pages


def test_the_files_of_providers_are_well_formed() -> None:
    page = text("docs/deploy.md")
    found = dict(re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    render, railway, fly = yaml.safe_load(found["yaml"]), json.loads(found["json"]), tomllib.loads(found["toml"])
    (service,) = render["services"]
    assert service["healthCheckPath"] == railway["deploy"]["healthcheckPath"] == "/readyz"
    assert [check["path"] for check in fly["http_service"]["checks"]] == ["/readyz"]
    assert min(service["maxShutdownDelaySeconds"], seconds(fly["kill_timeout"])) > GRACE
    assert {each["key"] for each in service["envVars"]} <= SETTINGS | {"PORT", "DATABASE_URL"}


def test_what_the_pages_name_is_there() -> None:
    for page in ("docs/deploy.md", "docs/scaling.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", text(page)):
            assert (ROOT / page).parent.joinpath(link).resolve().exists(), link
        named = set(re.findall(r"\bTODO_[A-Z_]*[A-Z]\b", text(page)))
        assert named <= SETTINGS, named - SETTINGS
        for target in re.findall(r"\bmake ([a-z]+)", text(page)):
            assert re.search(rf"^{target}:", text("Makefile"), re.MULTILINE), target


# The image and what is in it


def test_the_image_tells_where_it_comes_from() -> None:
    dockerfile, makefile = text("Dockerfile"), text("Makefile")
    for label, argument in (("version", "VERSION"), ("revision", "REVISION"), ("created", "CREATED")):
        assert f'org.opencontainers.image.{label}="${argument}"' in dockerfile
        assert f"--build-arg {argument}=" in makefile
    for label in ("title", "description", "licenses"):
        assert f"org.opencontainers.image.{label}=" in dockerfile


def test_each_supported_python_is_declared() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    declared = [each.rpartition(" ")[2] for each in project["classifiers"] if " :: Python :: 3." in each]
    assert declared == ["3.11", "3.12", "3.13", "3.14"]
    assert project["requires-python"] == f">={declared[0]}"


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: str(path.name))
def test_everything_is_pinned_with_hashes(path: Path) -> None:
    pins = re.findall(r"^[A-Za-z0-9].*?(?=^[A-Za-z0-9]|\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
    assert pins
    assert all(re.match(r"\S+==\S+", pin) and "--hash=sha256:" in pin for pin in pins)
