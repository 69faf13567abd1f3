"""`make` installs behind a company's certificate authority, which only the system's store holds.

The real pip, uv and npm install small packages from a registry on this machine, whose certificate that authority
signed. The store is the system's own file, with the authority in it for one process: `unshare` gives it a view of its
own.
"""

import base64
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.authority import Authority
from tests.programs import needs

ROOT = Path(__file__).parents[2]
STORE = Path("/etc/ssl/certs/ca-certificates.crt")
OWN = Path(sys.executable).parent
# What pip installs, and what uv does.
FIRST, SECOND = "first", "second"


def wheel(name: str) -> bytes:
    content = io.BytesIO()
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return content.getvalue()


def node_package() -> bytes:
    content = io.BytesIO()
    text = b'{"name": "third", "version": "1.0.0"}'
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/package.json")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return content.getvalue()


class Registry(http.server.BaseHTTPRequestHandler):
    """Of two Python packages and one Node package."""

    files: dict[str, tuple[str, bytes]]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        kind, content = self.files.get(self.path.rstrip("/"), ("", b""))
        if not content:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class Company:
    """A project to install, a registry that offers what it needs, and the store that knows the registry's authority."""

    project: Path
    url: str
    store: Path

    def make(self, *arguments: str, store: Path) -> "subprocess.CompletedProcess[str]":
        as_the_systems = f'mount --bind {store} {STORE} && exec "$@"'
        return subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", as_the_systems, "sh", "make", *arguments],
            cwd=self.project,
            env={
                "PATH": f"{OWN}:{os.environ['PATH']}",
                "HOME": str(self.project),
                "PYTHON": sys.executable,
                "UV": str(OWN / "uv"),
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_INDEX_URL": f"{self.url}/simple",
                "PIP_RETRIES": "0",
                "PIP_NO_CACHE_DIR": "1",
                "UV_NO_CONFIG": "1",
                "UV_DEFAULT_INDEX": f"{self.url}/simple",
                "UV_HTTP_RETRIES": "0",
                "UV_NO_CACHE": "1",
                "npm_config_registry": self.url,
                "npm_config_fetch_retries": "0",
                "npm_config_loglevel": "error",
            },
            capture_output=True,
            text=True,
        )


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    needs("unshare")
    if not STORE.exists():
        pytest.skip(f"this system keeps its certificates elsewhere than in {STORE}")
    if subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("this system lets nobody unshare")
    authority = Authority(tmp_path)
    store = tmp_path / "store.pem"
    store.write_bytes(STORE.read_bytes() + b"\n" + authority.file.read_bytes())
    files: dict[str, tuple[str, bytes]] = {}
    handler = type("Handler", (Registry,), {"files": files})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = authority.server_side().wrap_socket(server.socket, server_side=True)
        url = f"https://localhost:{server.server_port}"
        wheels = {name: wheel(name) for name in (FIRST, SECOND)}
        for name, content in wheels.items():
            file = f"{name}-1.0-py3-none-any.whl"
            files[f"/simple/{name}"] = "text/html", f'<!DOCTYPE html><a href="/{file}">{file}</a>'.encode()
            files[f"/{file}"] = "application/octet-stream", content
        npm_package = node_package()
        files["/third.tgz"] = "application/octet-stream", npm_package
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Company(project_of(tmp_path / "project", wheels, npm_package, url), url, store)
        server.shutdown()


def project_of(folder: Path, wheels: dict[str, bytes], npm_package: bytes, url: str) -> Path:
    """This project's Makefile, with locks that want the small packages alone."""
    (folder / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    for name, lock in ((FIRST, "tools/uv.txt"), (SECOND, "requirements-lab.txt")):
        (folder / lock).write_text(f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheels[name]).hexdigest()}\n")
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(npm_package).digest()).decode()}"
    third = {"version": "1.0.0", "resolved": f"{url}/third.tgz", "integrity": integrity}
    top = {"name": "project", "dependencies": {"third": "1.0.0"}}
    packages = {"": top, "node_modules/third": third}
    (folder / "package.json").write_text(json.dumps(top))
    (folder / "package-lock.json").write_text(
        json.dumps({"name": "project", "lockfileVersion": 3, "requires": True, "packages": packages})
    )
    return folder


@pytest.mark.slow
def test_make_installs_with_the_authorities_that_the_system_trusts(company: Company) -> None:
    """First without the authority, then without what the Makefile tells uv, so that each is seen to matter."""
    uv_environment, targets = ".venv/.uv", (".venv/.installed-lab", "node_modules/.installed")

    unknown = company.make(uv_environment, store=STORE)
    by_pip = company.make(uv_environment, store=company.store)
    untold = company.make("--environment-overrides", "UV_SYSTEM_CERTS=0", targets[0], store=company.store)
    told = company.make("--environment-overrides", *targets, store=company.store)

    assert (unknown.returncode != 0, by_pip.returncode) == (True, 0), by_pip.stderr
    assert (untold.returncode != 0, "invalid peer certificate" in untold.stderr) == (True, True), untold.stderr
    assert told.returncode == 0, told.stderr
    found = (company.project / ".venv").glob("lib/python*/site-packages/*.py")
    assert {FIRST, SECOND} <= {file.stem for file in found}
    assert (company.project / "node_modules/third/package.json").exists()
