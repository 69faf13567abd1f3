"""What the lab's process can run, open and reach: nothing but its own, whatever is installed and whatever it is asked.

`confined` plays what a hole in MiniStack would let an attacker do, in a process that is confined as the lab's is; the
other tests send what is known to have been a hole to a running lab.
"""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.instance import lifecycle
from lab.instance.environment import server_environment
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, Stack
from tests.tiers import mostly_slow

ROOT = Path(__file__).parents[3]
ROLE = "arn:aws:iam::111122223333:role/any"
NO_CALLS = "The lab makes no outgoing calls, neither on this machine nor outside it"


def confined(tmp_path: Path, act: str, name: str = "home") -> str:
    """The last line of what a confined process says that does something in a lab's folder; '' when it could."""
    home = tmp_path / name
    home.mkdir(exist_ok=True)
    program = (
        "import asyncio, ctypes, http.client, os, shutil, socket, sqlite3, subprocess, sys, tempfile, urllib.request\n"
        "from pathlib import Path\nfrom lab.confinement.process import confine\n"
        f"home = Path({str(home)!r})\nos.chdir(home)\nconfine(home, lambda line: None)\n{act}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode != 0) == bool(done.stderr)
    return (done.stderr.splitlines() or [""])[-1]


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
        "os.kill(1, 0)",
        "ctypes.CDLL(None)",
        "asyncio.run(asyncio.create_subprocess_exec('true'))",
    ],
)
def test_it_can_start_no_other_process_and_load_no_library(tmp_path: Path, start: str) -> None:
    assert confined(tmp_path, start).startswith("PermissionError: The lab runs no code")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody on this machine whom the lab must not reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        yield server


def was_called(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "call",
    mostly_slow(
        [
            "socket.create_connection(('127.0.0.1', {port}))",
            "socket.socket().connect(('127.0.0.1', {port}))",
            "socket.socket().connect_ex(('127.0.0.1', {port}))",
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', {port}))",
            "socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')",
            "socket.socket().bind(('127.0.0.1', 0))",
            "socket.create_server(('127.0.0.1', 0))",
            "socket.getaddrinfo('example.com', 443)",
            "socket.gethostbyname('example.com')",
            "http.client.HTTPConnection('127.0.0.1', {port}).request('GET', '/')",
            "urllib.request.urlopen('http://127.0.0.1:{port}/')",
            "urllib.request.urlopen('http://localhost:{port}/')",
            "urllib.request.urlopen('file:///etc/passwd')",
            "urllib.request.urlopen('ftp://127.0.0.1:{port}/x')",
            "urllib.request.urlopen('data:text/plain,x')",
            "asyncio.run(asyncio.open_connection('127.0.0.1', {port}))",
            "asyncio.run(asyncio.open_connection('example.com', {port}))",
            "asyncio.run(asyncio.start_server(print, '127.0.0.1', 0))",
        ],
        every=4,
    ),
)
def test_it_can_make_no_call_and_listen_nowhere_else(tmp_path: Path, listener: socket.socket, call: str) -> None:
    told = confined(tmp_path, call.format(port=listener.getsockname()[1]))

    assert NO_CALLS.lower() in told.lower()
    assert told.startswith(("PermissionError: ", "urllib.error.URLError: "))
    assert not was_called(listener)


ACTS = [
    "open({path!r}).read()",
    "open({path!r}, 'rb').read()",
    "open({path!r}, 'a').write('x')",
    "os.open({path!r}, os.O_RDONLY)",
    "os.open({path!r}, os.O_RDWR)",
    "Path({path!r}).read_text()",
    "os.remove({path!r})",
    "os.rename({path!r}, 'taken')",
    "open('mine', 'w').close(); os.rename('mine', {path!r})",
    "open('mine', 'w').close(); os.replace('mine', {path!r})",
    "os.link({path!r}, 'linked')",
    "open('mine', 'w').close(); os.link('mine', {path!r} + '2')",
    "os.symlink({path!r}, 'linked')",
    "os.chmod({path!r}, 0o777)",
    "os.truncate({path!r}, 0)",
    "os.utime({path!r})",
    "os.mkdir({path!r} + '.d')",
    "os.chdir(os.path.dirname({path!r}))",
    "os.listdir(os.path.dirname({path!r}))",
    "list(os.scandir(os.path.dirname({path!r})))",
    "shutil.rmtree(os.path.dirname({path!r}))",
    "shutil.copy({path!r}, 'copied')",
    "sqlite3.connect({path!r})",
    "tempfile.mkdtemp(dir=os.path.dirname({path!r}))",
]


@pytest.mark.parametrize("act", mostly_slow(ACTS, every=5))
@pytest.mark.parametrize("is_relative", [False, True], ids=["whole", "relative"])
def test_it_touches_no_file_outside_the_labs_folder(tmp_path: Path, act: str, is_relative: bool) -> None:  # noqa: FBT001
    folder = tmp_path / "homework"  # begins as the lab's folder does
    folder.mkdir()
    victim = folder / "thesis.txt"
    victim.write_text("years of work")
    victim.chmod(0o640)
    before = victim.stat()

    told = confined(tmp_path, act.format(path="../homework/thesis.txt" if is_relative else str(victim)))

    assert "The lab's process opens no files but the lab's own" in told
    assert [each.name for each in folder.iterdir()] == ["thesis.txt"]
    assert (victim.read_text(), victim.stat().st_mode, victim.stat().st_mtime) == (
        "years of work",
        before.st_mode,
        before.st_mtime,
    )


@pytest.mark.parametrize("name", ["home", "linked/home"])
def test_it_works_in_the_labs_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")

    told = confined(
        tmp_path,
        "(home.resolve() / 'r').write_text('x')\n"
        "os.makedirs(home / 'a' / 'b')\n(home / 'a' / 'b' / 'c').write_text('x')\nopen('d', 'w').write('y')\n"
        "os.rename('d', 'e')\nsqlite3.connect(home / 'f').execute('create table g (h)')\n"
        "open(os.devnull, 'w').write('z')\nlist(os.walk(home))\nshutil.rmtree(home / 'a')\n"
        "import zoneinfo, mimetypes, encodings.idna\nmimetypes.init()\nasyncio.run(asyncio.sleep(0))\n"
        "loop = asyncio.new_event_loop()\nloop.run_until_complete(asyncio.to_thread(print))\nloop.close()",
        name,
    )

    assert told == ""


@pytest.mark.parametrize(
    "name",
    mostly_slow(
        [
            "duckdb",
            "ctypes",
            "docker",
            "boto3",
            "pip",
            "pytest",
            "aws_cdk",
            "awscli",
            "verify.cli",
            "tools.destroy",
            "pty",
            "code",
            "multiprocessing.popen_spawn_posix",
            "multiprocessing.popen_fork",
            "concurrent.futures.process",
        ],
        every=5,
    ),
)
@pytest.mark.parametrize("how", ["import {0}", "import importlib; importlib.import_module({0!r})", "__import__({0!r})"])
def test_engines_count_as_not_installed(name: str, how: str) -> None:
    before = f"try:\n    import {name}\nexcept ImportError:\n    pass\n"  # something that starts with Python may do so
    program = (
        f"{before}from lab.confinement.imports import allow_only_needed_imports as block\nblock()\n{how.format(name)}"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert done.stderr.splitlines()[-1].startswith("ModuleNotFoundError: No module named")


def test_what_serves_is_found() -> None:
    program = (
        "from lab.confinement.imports import allow_only_needed_imports as block\nblock()\n"
        "import importlib.metadata, importlib.util\n"
        "import yaml, graphql, jsonata, cryptography.fernet, hypercorn.asyncio, sqlite3, zoneinfo\n"
        "print(importlib.metadata.version('ministack'), importlib.util.find_spec('duckdb'))"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout.split()[1] == "None"


# What a caller writes into DuckDB's SQL: out of the name of a column, a file is written, and another one read.
INJECTED = """x" VARCHAR); COPY (SELECT content FROM read_text('{secret}')) TO '{stolen}'; CREATE TABLE u ("y"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("of the lab's owner")
    return path


def test_the_injection_works_where_the_engine_is_at_hand(tmp_path: Path, secret: Path) -> None:
    """Or else the next test would hold for a text that does nothing anyhow."""
    import duckdb  # noqa: PLC0415 - of this test alone

    stolen = tmp_path / "stolen"
    duckdb.connect().execute(f'CREATE TABLE t ("{INJECTED.format(secret=secret, stolen=stolen)}" VARCHAR)')

    assert "of the lab's owner" in stolen.read_text()


def converting(bucket: str, table: str) -> dict[str, Any]:
    schema = {"DatabaseName": "converted", "TableName": table, "RoleARN": ROLE, "Region": "us-east-1"}
    return {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{bucket}",
        "DataFormatConversionConfiguration": {
            "Enabled": True,
            "SchemaConfiguration": schema,
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        },
    }


@pytest.fixture
def table(client: ClientFactory, tmp_path: Path, secret: Path) -> str:
    """A table of Glue with a column whose name is made to be obeyed."""
    glue, name = client("glue"), f"records-{tmp_path.name}"
    with contextlib.suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": "converted"})
    column = {"Name": INJECTED.format(secret=secret, stolen=tmp_path / "stolen"), "Type": "string"}
    glue.create_table(DatabaseName="converted", TableInput={"Name": name, "StorageDescriptor": {"Columns": [column]}})
    return name


def test_a_stream_that_converts_is_not_part_of_the_lab(client: ClientFactory, table: str) -> None:
    firehose = client("firehose")

    with pytest.raises(ClientError) as rejected:
        firehose.create_delivery_stream(
            DeliveryStreamName="converting", ExtendedS3DestinationConfiguration=converting("any", table)
        )

    assert rejected.value.response["Error"]["Code"] == "ServiceNotAvailable"
    assert "is not part of the lab" in rejected.value.response["Error"]["Message"]
    assert firehose.list_delivery_streams()["DeliveryStreamNames"] == []


def test_a_stack_with_a_stream_that_converts_fails_with_the_reason(stack: Stack, table: str) -> None:
    properties = {"ExtendedS3DestinationConfiguration": converting("any", table)}
    status = stack.deploy({"Stream": {"Type": "AWS::KinesisFirehose::DeliveryStream", "Properties": properties}})

    assert status == "ROLLBACK_COMPLETE"
    assert any("is not part of the lab" in reason for reason in stack.failures())


def test_a_column_of_glue_does_not_become_sql_even_where_a_stream_converts(
    client: ClientFactory, table: str, tmp_path: Path
) -> None:
    """The same path with the lab's own rejection out of the way: the conversion itself, in a process as the lab's."""
    program = (
        "from lab.confinement.imports import allow_only_needed_imports as block\nblock()\n"
        "from ministack.services import firehose, glue\n"
        f"table = {client('glue').get_table(DatabaseName='converted', Name=table)['Table']['StorageDescriptor']!r}\n"
        "glue._tables['converted/t'] = {'StorageDescriptor': table}\n"
        "conversion = {'OutputFormatConfiguration': {'Serializer': {'ParquetSerDe': {}}},\n"
        "    'SchemaConfiguration': {'DatabaseName': 'converted', 'TableName': 't'}}\n"
        'try:\n    firehose._convert_to_parquet(conversion, b\'{"y": "z"}\')\n'
        "except firehose._DeliveryError as error:\n    print(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout.strip() == "DataFormatConversion.ConversionFailureException"
    assert not (tmp_path / "stolen").exists()
    held = program.replace("block()", "pass")
    subprocess.run([sys.executable, "-c", held], cwd=ROOT, capture_output=True, text=True)
    assert (tmp_path / "stolen").exists()  # so the path is the one, and the block is what holds


def test_a_query_of_athena_is_not_part_of_the_lab(client: ClientFactory, secret: Path, tmp_path: Path) -> None:
    stolen = tmp_path / "stolen"
    athena = client("athena")
    for query in (f"COPY (FROM read_text('{secret}')) TO '{stolen}'", "SELECT 'mock'", "SHOW TABLES", " "):
        with pytest.raises(ClientError) as rejected:
            athena.start_query_execution(QueryString=query, ResultConfiguration={"OutputLocation": "s3://any/"})
        assert rejected.value.response["Error"]["Code"] == "ServiceNotAvailable"

    assert athena.list_query_executions()["QueryExecutionIds"] == []
    assert not stolen.exists()


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_nothing_is_subscribed_over_http(client: ClientFactory, stack: Stack, protocol: str) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name=f"over-{protocol}")["TopicArn"]

    with pytest.raises(ClientError) as rejected:
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=f"{protocol}://127.0.0.1:9/")

    assert rejected.value.response["Error"]["Code"] == "InvalidParameter"
    assert NO_CALLS in rejected.value.response["Error"]["Message"]
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    properties = {"TopicArn": topic, "Protocol": protocol, "Endpoint": f"{protocol}://127.0.0.1:9/"}
    assert stack.deploy({"Told": {"Type": "AWS::SNS::Subscription", "Properties": properties}}) == "ROLLBACK_COMPLETE"
    assert any(NO_CALLS in reason for reason in stack.failures())


def test_a_topic_that_subscribes_over_http_fails_its_stack(stack: Stack) -> None:
    subscription = [{"Protocol": "https", "Endpoint": "https://example.com/"}]
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": subscription}}

    assert stack.deploy({"Topic": topic}) == "ROLLBACK_COMPLETE"
    assert any(NO_CALLS in reason for reason in stack.failures())


INVOKED = """
import asyncio, json, os
from pathlib import Path
from lab.confinement.outgoing_calls import forbid_outgoing_calls
from ministack.services import apigateway, apigateway_v1
warned = []
forbid_outgoing_calls(warned.append)
uri = {uri!r}
rest = apigateway_v1._invoke_http_proxy_v1({{"uri": uri}}, "/", "GET", {{}}, b"", {{}})
http = apigateway._invoke_http_proxy({{"integrationUri": uri}}, "", "GET", {{}}, b"", {{}})
for call in (rest, http):
    status, _, body = asyncio.run(call)
    print(status, json.loads(body)["message"])
print(*warned, sep="\\n")
"""


@pytest.mark.parametrize("uri", ["http://127.0.0.1:{port}", "file:///etc/passwd"])
def test_an_integration_over_http_says_that_no_call_is_made(listener: socket.socket, uri: str) -> None:
    uri = uri.format(port=listener.getsockname()[1])

    done = subprocess.run(
        [sys.executable, "-c", INVOKED.format(uri=uri)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    told = f"{NO_CALLS}: API Gateway did not call {uri!r}"
    assert [line.partition(". Use")[0] for line in done.stdout.splitlines()] == [f"502 {told}"] * 2 + [told] * 2
    assert not was_called(listener)


URL = "https://example.com/orders"
CALLING = {
    "AWS::ApiGateway::Method": {
        "HttpMethod": "GET",
        "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
        "RestApiId": {"Ref": "Api"},
        "AuthorizationType": "NONE",
        "Integration": {"Type": "HTTP_PROXY", "IntegrationHttpMethod": "GET", "Uri": URL},
    },
    "AWS::ApiGatewayV2::Integration": {
        "ApiId": {"Ref": "HttpApi"},
        "IntegrationType": "HTTP_PROXY",
        "IntegrationMethod": "GET",
        "IntegrationUri": URL,
        "PayloadFormatVersion": "1.0",
    },
}


@pytest.mark.parametrize("resource_type", CALLING)
def test_a_stack_that_would_make_a_call_gets_a_warning(lab: Lab, stack: Stack, resource_type: str) -> None:
    needed = {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": stack.name}},
        "HttpApi": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": stack.name, "ProtocolType": "HTTP"}},
    }
    calling = {"Type": resource_type, "Properties": CALLING[resource_type]}

    assert stack.deploy({**needed, "Calling": calling}) == "CREATE_COMPLETE", stack.failures()

    status = lifecycle.ask(lab)
    assert status is not None
    assert f"{NO_CALLS}: what {resource_type} sends to '{URL}' arrives nowhere." in status.warnings


ACTS_OF_THE_SERVER = """
import asyncio, importlib, os, sys, urllib.request

def act(coroutine, **_):
    coroutine.close()
    for try_it in (
        lambda: urllib.request.urlopen("http://127.0.0.1:{port}/"),
        lambda: open("/etc/passwd"),
        lambda: open({victim!r}, "w"),
        lambda: importlib.import_module("duckdb"),
        lambda: os.system("true"),
    ):
        try:
            try_it()
            print("done")
        except (OSError, ImportError) as error:
            print(error)

asyncio.run = act
sys.argv[1:] = {arguments!r}
from lab.server.__main__ import main
main()
"""


def test_the_server_is_confined_before_it_serves(tmp_path: Path, listener: socket.socket) -> None:
    """Its own beginning, with acts of an attacker where it would begin to serve."""
    home, victim = tmp_path / "home", tmp_path / "victim"
    home.mkdir(mode=0o700)
    victim.write_text("years of work")
    settings = {"delivery-seconds": "5", "digest-seconds": "60", "behind-seconds": "0"}
    named = {"fd": str(listener.fileno()), "home": str(home), "instance": "0" * 32, **settings}
    arguments = [part for name, value in named.items() for part in (f"--{name}", value)]
    program = ACTS_OF_THE_SERVER.format(port=listener.getsockname()[1], victim=str(victim), arguments=arguments)

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=home,
        env=server_environment(home, 9, "111122223333", "us-east-1"),
        input="secret",
        pass_fds=[listener.fileno()],
        capture_output=True,
        text=True,
    )

    told = done.stdout.splitlines()
    assert len(told) == 5, done.stderr
    for line, reason in zip(
        told, [NO_CALLS, *["opens no files"] * 2, "No module named 'duckdb'", "The lab runs no code"], strict=True
    ):
        assert reason in line
    assert victim.read_text() == "years of work"
    assert not was_called(listener)
