"""Objects are read by the way that botocore itself would take: its certificates, its proxy."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.verify.simulation.server import SimulatedAwsServer, running_simulation, try_once
from verify.aws import Aws
from verify.storage.gzip_content import Content, GzipSink
from verify.storage.objects import Found, ObjectName, ReadResult, Unreadable
from verify.storage.s3 import S3ObjectStore

URL = "https://s3.eu-west-1.amazonaws.com/bucket"
PROXY = "http://proxy.example:3128"
# In folders of people the world over.
CERTIFICATE = "Zertifikat für uns.pem"


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
        now + datetime.timedelta(days=1)
    )
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / CERTIFICATE).write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / CERTIFICATE, folder / "key.pem"


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedAwsServer]:
    """A server that speaks TLS, with a certificate that is not trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))
    with running_simulation() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield server


def read(server: SimulatedAwsServer) -> ReadResult[Content]:
    name = ObjectName("b", "a/b.json.gz")
    server.aws.put(name, b"any", datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC))
    return S3ObjectStore(Aws()).read_each([name], lambda _: GzipSink(1000))[0]


def test_a_certificate_that_the_configuration_names_is_trusted_by_libcurl_too(
    secure: SimulatedAwsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / CERTIFICATE))
    monkeypatch.setattr("verify.aws.Aws.download", lambda *_: pytest.fail("boto3 had to read it"))

    assert isinstance(read(secure), Found)


def test_a_certificate_of_an_unknown_issuer_is_not_trusted(
    secure: SimulatedAwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_once(monkeypatch)

    found = read(secure)

    assert isinstance(found, Unreadable) and "certificate" in str(found.error).lower()
    assert secure.operations == []


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": PROXY}, PROXY),
        ({"https_proxy": PROXY}, PROXY),
        ({"HTTP_PROXY": PROXY}, ""),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "amazonaws.com"}, ""),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "example.org"}, PROXY),
    ],
)
def test_the_proxy_is_the_one_that_the_environment_names(
    environment: dict[str, str], proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Aws(region="eu-west-1").ca_file_and_proxy(URL)[1] == proxy
