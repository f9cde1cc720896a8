"""What lies in deploy/ is well-formed: manifests against schemas, scripts against shellcheck.

Nothing here ran on Kubernetes or Slurm. Pod templates are held against Kubernetes' own schema; the
parts of KubeRay's that are used are written down below from its Go types (ray.io/v1), strictly.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
MANIFESTS = sorted((DEPLOY / "kuberay").glob("*.yaml"))
SCRIPTS = sorted((DEPLOY / "slurm").glob("*.sh"))

WORDS = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT = {"type": "integer", "minimum": 0}
HEAD = {
    "type": "object",
    "additionalProperties": False,
    "required": ["rayStartParams", "template"],
    "properties": {
        "rayStartParams": WORDS,
        "serviceType": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
        "enableIngress": {"type": "boolean"},
        "template": {"type": "object"},
    },
}
WORKERS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"],
    "properties": {
        "groupName": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
        "replicas": COUNT,
        "minReplicas": COUNT,
        "maxReplicas": COUNT,
        "numOfHosts": COUNT,
        "rayStartParams": WORDS,
        "template": {"type": "object"},
    },
}
CLUSTER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["headGroupSpec", "rayVersion"],
    "properties": {
        "rayVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "headGroupSpec": HEAD,
        "workerGroupSpecs": {"type": "array", "items": WORKERS},
        "enableInTreeAutoscaling": {"type": "boolean"},
        "suspend": {"type": "boolean"},
    },
}
JOB = {
    "type": "object",
    "additionalProperties": False,
    "required": ["entrypoint", "rayClusterSpec"],
    "properties": {
        "entrypoint": {"type": "string", "minLength": 1},
        "submissionMode": {"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode"]},
        "shutdownAfterJobFinishes": {"type": "boolean"},
        "ttlSecondsAfterFinished": COUNT,
        "activeDeadlineSeconds": {"type": "integer", "minimum": 1},
        "backoffLimit": COUNT,
        "runtimeEnvYAML": {"type": "string"},
        "metadata": WORDS,
        "suspend": {"type": "boolean"},
        "rayClusterSpec": CLUSTER,
    },
}
SPECS = {"RayCluster": CLUSTER, "RayJob": JOB}


def schema(kind: str) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": "ray.io/v1"},
            "kind": {"const": kind},
            "metadata": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
                    "namespace": {"type": "string"},
                    "labels": WORDS,
                    "annotations": WORDS,
                },
            },
            "spec": SPECS[kind],
        },
    }


def loaded(path: Path) -> dict[str, Any]:
    [document] = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return dict(document)


def cluster_of(manifest: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = manifest["spec"]
    return dict(spec.get("rayClusterSpec", spec))


def templates(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = cluster_of(manifest)
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"] for group in groups]


def test_deploy_has_what_the_readme_lists() -> None:
    page = (DEPLOY / "README.md").read_text("utf-8")
    files = {p.relative_to(DEPLOY).as_posix() for p in DEPLOY.rglob("*") if p.is_file()}
    assert set(re.findall(r"^\| `([\w/.-]+)`", page, re.M)) == files - {"README.md"}
    assert "None of these files was run here" in page
    for path in [*MANIFESTS, *SCRIPTS]:
        assert "Not run here" in path.read_text("utf-8")


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda p: p.name)
def test_deploy_manifests_keep_kuberays_schema(path: Path) -> None:
    manifest = loaded(path)
    jsonschema.Draft202012Validator(schema(manifest["kind"])).validate(manifest)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda p: p.name)
def test_deploy_pods_keep_kubernetes_schema(path: Path) -> None:
    for template in templates(loaded(path)):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, **template}
        kubernetes_validate.validate(pod, "1.33", strict=True)


def test_deploy_schemas_can_fail() -> None:
    manifest = loaded(DEPLOY / "kuberay" / "rayjob.yaml")
    manifest["spec"]["entryPoint"] = manifest["spec"].pop("entrypoint")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema("RayJob")).validate(manifest)
    template = templates(manifest)[0]
    template["spec"]["containers"][0]["resource"] = {}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, **template}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, "1.33", strict=True)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda p: p.name)
def test_deploy_pods_are_small_in_rights_and_say_what_they_take(path: Path) -> None:
    for template in templates(loaded(path)):
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
            mounted = {m["name"] for m in container["volumeMounts"]}
            assert mounted <= {v["name"] for v in pod["volumes"]}


@pytest.mark.parametrize("path", [*MANIFESTS, *SCRIPTS], ids=lambda p: p.name)
def test_deploy_files_hold_no_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"(?i)password|secret|AKIA[0-9A-Z]{8}|access_key|api_key", text)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda p: p.name)
def test_deploy_manifests_name_one_ray_everywhere(path: Path) -> None:
    """The version the manifest tells KubeRay is the one in the image, and one klieg allows."""
    version = cluster_of(loaded(path))["rayVersion"]
    image = (DEPLOY / "kuberay" / "Dockerfile").read_text("utf-8")
    assert f"rayproject/ray:{version}-" in image and f"ray[default]=={version}" in image
    assert version.startswith("2.")


def test_deploy_job_runs_a_scan_that_klieg_knows() -> None:
    from klieg.cli.scan import command

    words = loaded(DEPLOY / "kuberay" / "rayjob.yaml")["spec"]["entrypoint"].split()
    known = {flag for p in command.params for flag in p.opts}
    assert words[:2] == ["klieg", "scan"]
    assert {w for w in words if w.startswith("-")} <= known
    assert "'s3://posts/2026-05/*.parquet'" in words


# --- Slurm ---------------------------------------------------------------------------------------

# of the manual of sbatch: what the scripts may ask for
DIRECTIVES = {
    *("account", "cpus-per-task", "exclusive", "job-name", "mem", "nodes", "ntasks-per-node"),
    *("output", "partition", "requeue", "signal", "time"),
}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_deploy_scripts_pass_bash_and_shellcheck(path: Path) -> None:
    subprocess.run(["bash", "-n", str(path)], check=True)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([str(shellcheck), str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert os.access(path, os.X_OK)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_deploy_scripts_ask_slurm_for_what_it_has(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    asked = [line for line in lines if line.startswith("#SBATCH")]
    assert asked
    for line in asked:
        match = re.fullmatch(r"#SBATCH --([a-z-]+)(=\S+)?", line)
        assert match and match[1] in DIRECTIVES, line
    # Slurm reads directives up to the first command only
    first = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
    assert not [line for line in lines[first:] if line.startswith("#SBATCH")]


def test_deploy_slurm_starts_head_then_workers_then_scan(tmp_path: Path) -> None:
    stand_ins = {
        "scontrol": 'printf "%s\\n" n1 n2 n3',
        "ray": 'echo "ray $* token=$(stat -c %a "$RAY_AUTH_TOKEN_PATH")" >>"$LOG"',
        "srun": 'echo "srun $*" >>"$LOG"',
        "klieg": 'sleep 1; echo "klieg $*" >>"$LOG"',
    }
    (tmp_path / "bin").mkdir()
    for name, body in stand_ins.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/usr/bin/env bash\n{body}\n", encoding="utf-8")
        path.chmod(0o755)
    environ = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "LOG": str(tmp_path / "log"),
        "SLURM_JOB_ID": "77",
        "SLURM_JOB_NODELIST": "n[1-3]",
        "SLURM_CPUS_PER_TASK": "8",
        "SLURM_SUBMIT_DIR": str(tmp_path),
    }
    script = [str(DEPLOY / "slurm" / "klieg.sh"), "posts/*.parquet", "-o", "a.klieg"]
    done = subprocess.run(script, env=environ, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "log").read_text("utf-8").splitlines()
    head = next(line for line in log if "--head" in line)
    workers = next(line for line in log if "ray start --address" in line)
    assert "--nodelist=n1 " in head and "--port=20077" in head and "--num-cpus=8" in head
    assert "--nodes=2" in workers and "--nodelist=n2,n3 " in workers
    assert "--address=n1:20077" in workers
    assert log[-1] == (
        "klieg scan posts/*.parquet -o a.klieg --engine ray --ray-address n1:20077 "
        "--threads 24 --force"
    )
    assert "token=600" in next(line for line in log if line.startswith("ray status"))
    assert not list(tmp_path.glob(".klieg-ray-*"))  # the token goes with the job
    refused = subprocess.run(script[:1], env=environ, capture_output=True, check=False)
    assert refused.returncode == 2 and b"usage" in refused.stderr
