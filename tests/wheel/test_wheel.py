"""The distribution, built and installed as its users do: what is in it, and that each extra does its part alone."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from lab.instance import control, lifecycle
from lab.instance.environment import lab_variables
from lab.instance.folder import Lab
from securetrail import __version__
from tests.programs import needs
from tests.securetrail.review.repositories import TRAIL, commit, new_repository, trail, write_template
from tests.wheel.environments import BIN, ROOT, Debian, Environment, environment

pytestmark = pytest.mark.slow

PACKAGES = ("constructs_lib", "securetrail", "verify")
TEMPLATE = next((ROOT / "tests/cdk/__snapshots__").rglob("*reviewed*.json")).read_text()
# An app as somebody else has it: with modules of the same names as some of ours.
APP = """
import aws_cdk as cdk

from securetrail import EventSelector, Recording, SecureTrail
from stacks.network import NETWORK
from verify import verified

app = cdk.App()
stack = cdk.Stack(app, NETWORK)
trail = SecureTrail(stack, "Trail", recording=Recording(event_selectors=[EventSelector.management()]))
cdk.CfnOutput(stack, "Bucket", value=verified(trail.log_bucket.bucket_name))
app.synth()
"""
TYPED = (ROOT / "tests/wheel/typed_app.py").read_text()
# What a type checker refuses, and must name: a value of another type, an existing bucket with settings of a new one,
# and a prop that is called otherwise now.
WRONG = """
from aws_cdk import aws_s3 as s3
from constructs import Construct
from securetrail import LogRetention, NewBucket, SecureTrail


def wrong(scope: Construct, bucket: s3.IBucket) -> None:
    SecureTrail(scope, "Trail", trail_name=7)
    SecureTrail(scope, "Trail", log_bucket=NewBucket(existing=bucket, retention=LogRetention()))
    SecureTrail(scope, "Trail", tamper_alerts=True)
"""
REFUSED = ("trail_name", "existing", "tamper_alerts")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the sdist, as `make dist` builds them."""
    folder = tmp_path_factory.mktemp("built")
    builder = environment(folder / "builder", lock="requirements-release.txt")
    # What git knows, and nothing that lies about here.
    copy(tracked(), folder / "source")
    for command in (("build", "--no-isolation", "--outdir", f"{folder}/dist", "."), ("twine", "check", "--strict")):
        files = map(str, (folder / "dist").glob("*")) if command[0] == "twine" else ()
        done = builder.run("python", "-m", *command, *files, cwd=folder / "source")
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [file] = built.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    [file] = built.glob("*.tar.gz")
    return file


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], Environment]:
    """An environment with one extra, of the wheel or of the sdist; each is made once."""
    made: dict[tuple[str, Path], Environment] = {}

    def get(extra: str, file: Path) -> Environment:
        if (extra, file) not in made:
            folder = tmp_path_factory.mktemp("installed") / "environment"
            name = f"securetrail[{extra}]" if extra else "securetrail"
            made[extra, file] = environment(folder, f"{name} @ {file.as_uri()}")
        return made[extra, file]

    return get


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    yield lifecycle.start(home)
    lifecycle.stop(home)


@pytest.fixture
def users_folder(tmp_path: Path) -> Path:
    """A repository with modules of its own that have names of ours."""
    folder = tmp_path / "repository"
    (folder / "stacks").mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "stacks/network.py").write_text('NETWORK = "Network"\n')
    (folder / "verify.py").write_text("def verified(name: str) -> str:\n    return name\n")
    return folder


def tracked(*folders: str) -> set[str]:
    """The files that git knows; of these folders, or all."""
    names = subprocess.check_output(["git", "ls-files", "-z", "--", *folders], cwd=ROOT, text=True).split("\0")[:-1]
    return {name for name in names if (ROOT / name).is_file()}


def copy(names: Iterable[str], to: Path) -> None:
    """Copy files of the repository."""
    for name in names:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, to / name)


# ---- what is in it -----------------------------------------------------------------------------------------------


def test_the_wheel_holds_the_three_packages_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith(f"securetrail-{__version__}.dist-info/")}

    assert names == tracked(*PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_the_sdist_holds_what_the_wheel_is_made_of(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}

    about = {"CHANGELOG.md", "LICENSE", "README.md", "UPGRADING.md", "pyproject.toml", ".gitignore", "PKG-INFO"}
    assert names == tracked(*PACKAGES) | about


def test_the_metadata_says_what_it_is_and_names_no_place_that_does_not_exist(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = f"securetrail-{__version__}.dist-info"
        metadata = message_from_string(archive.read(f"{about}/METADATA").decode())
        licence = archive.read(f"{about}/licenses/LICENSE").decode()
        commands = archive.read(f"{about}/entry_points.txt").decode()

    assert (metadata["Name"], metadata["Version"]) == ("securetrail", __version__)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert licence == (ROOT / "LICENSE").read_text()
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload().strip() == (ROOT / "README.md").read_text().strip()  # type: ignore[union-attr]
    assert {*metadata.get_all("Provides-Extra", ())} == {"construct", "verify", "review"}
    # Alone it needs nothing. Each range has a beginning, which `make test-versions` tests, and none is a pin.
    required = metadata.get_all("Requires-Dist", ())
    assert [each for each in required if "extra ==" not in each] == []
    assert [each for each in required if ">=" not in each or "==" in each.partition(";")[0]] == []
    assert {*metadata} & {
        "Home-Page",
        "Home-page",
        "Author",
        "Author-email",
        "Maintainer-email",
        "Project-URL",
    } == set()
    assert commands.split("\n")[:2] == ["[console_scripts]", "securetrail = securetrail.__main__:run"]


@pytest.mark.parametrize("version", ["3.12", "3.14"])
def test_every_locked_dependency_has_a_wheel(version: str) -> None:
    """For Linux as it is common, so that no compiler is needed. On 3.11 and 3.13 it is installed, below."""
    lock = "requirements-dev.txt"
    done = subprocess.run(
        [
            *(BIN / "uv", "pip", "compile", "--quiet", "--no-config", "--no-deps", "--only-binary=:all:"),
            *(f"--python-version={version}", "--python-platform=x86_64-manylinux_2_28", lock),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    # One is locked in two versions, for older and for newer Pythons.
    assert names_in(done.stdout) == names_in((ROOT / lock).read_text())


def names_in(lock: str) -> set[str]:
    return {*re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}


# ---- alone ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["wheel", "sdist"])
def test_alone_it_holds_the_names_and_a_missing_extra_is_one_line(
    file: str,
    request: pytest.FixtureRequest,
    installed: Callable[[str, Path], Environment],
    tmp_path: Path,
) -> None:
    alone = installed("", request.getfixturevalue(file))

    assert alone.distributions() == {"securetrail"}
    assert alone.run("securetrail", "--version", cwd=tmp_path).stdout == f"securetrail {__version__}\n"
    assert "integrity" in alone.run("securetrail", "--help", cwd=tmp_path).stdout
    for command, extra in (
        (("securetrail", "check"), "verify"),
        (("securetrail", "logs", "stats"), "verify"),
        (("python", "-m", "verify", "check"), "verify"),
        (("securetrail", "review", "--base=main"), "review"),
    ):
        done = alone.run(*command, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), (command, done.stderr)
        [line] = done.stderr.splitlines()
        assert line.startswith("error: The Python module ")
        assert f"'securetrail[{extra}]'" in line
    for statement, module, extra in (
        ("from securetrail import SecureTrail", "aws_cdk", "construct"),
        ("from constructs_lib.compliance import add_rule_packs", "aws_cdk", "construct"),
        ("from verify.logs.api import Logs", "duckdb", "verify"),
    ):
        done = alone.run("python", "-c", statement, cwd=tmp_path)
        assert done.stderr.splitlines()[-1] == (
            f"ModuleNotFoundError: The Python module {module} is missing. Fix: pip install 'securetrail[{extra}]'"
        )


def test_the_names_are_the_constructs() -> None:
    import constructs_lib  # noqa: PLC0415 (slow to load)
    import securetrail  # noqa: PLC0415

    assert securetrail.__all__ == constructs_lib.__all__
    assert {*securetrail.__all__} <= {*dir(securetrail)}
    assert [
        name for name in securetrail.__all__ if getattr(securetrail, name) is not getattr(constructs_lib, name)
    ] == []
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = securetrail.Nothing


# ---- who builds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["wheel", "sdist"])
def test_who_builds_synthesizes_an_app_with_a_verify_and_stacks_of_its_own(
    file: str,
    request: pytest.FixtureRequest,
    installed: Callable[[str, Path], Environment],
    users_folder: Path,
    tmp_path: Path,
) -> None:
    builder = installed("construct", request.getfixturevalue(file))

    done = builder.run(
        *("python", "app.py"),
        cwd=users_folder,
        CDK_OUTDIR=str(tmp_path / "out"),
        CDK_VALIDATION="false",
        PATH=f"{builder.folder}/bin:{BIN}:/usr/bin:/bin",  # Node is there
    )

    assert done.returncode == 0, done.stderr
    template = json.loads((tmp_path / "out/Network.template.json").read_text())
    kinds = {each["Type"] for each in template["Resources"].values()}
    assert {"AWS::CloudTrail::Trail", "AWS::KMS::Key", "AWS::S3::Bucket"} <= kinds
    assert builder.distributions() & {"boto3", "pycurl", "ministack", "cfn-lint", "duckdb"} == set()


@pytest.fixture(scope="module")
def types(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("types") / "environment"
    return environment(folder, f"securetrail[construct] @ {wheel.as_uri()}", "mypy", "pyright[nodejs]==1.1.414")


@pytest.mark.parametrize("checker", [("mypy", "--strict"), ("pyright", "--outputjson")], ids=lambda each: each[0])
@pytest.mark.parametrize("is_wrong", [False, True], ids=["right", "wrong"])
def test_a_users_file_is_checked_strictly(
    checker: tuple[str, ...], types: Environment, tmp_path: Path, *, is_wrong: bool
) -> None:
    (tmp_path / "app.py").write_text(WRONG if is_wrong else TYPED)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))

    # The types of aws-cdk-lib take a minute, and are the same for both files.
    done = types.run(
        *checker,
        "app.py",
        cwd=tmp_path,
        MYPY_CACHE_DIR=str(types.folder / "mypy"),
        NODE_EXTRA_CA_CERTS="/etc/ssl/certs/ca-certificates.crt",
    )

    assert done.returncode == is_wrong, done.stdout + done.stderr
    assert [word in done.stdout for word in REFUSED] == [is_wrong] * len(REFUSED)


# ---- who verifies --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def verifier(wheel: Path, installed: Callable[[str, Path], Environment]) -> Environment:
    return installed("verify", wheel)


@pytest.mark.parametrize("file", ["wheel", "sdist"])
def test_who_verifies_checks_a_trail_in_a_folder_with_a_verify_of_its_own(
    file: str,
    request: pytest.FixtureRequest,
    installed: Callable[[str, Path], Environment],
    users_folder: Path,
    lab: Lab,
) -> None:
    verifier = installed("verify", request.getfixturevalue(file))
    variables = {"AWS_PAGER": "", **lab_variables(lab, "444455556666")}
    deploy(verifier, variables, users_folder)
    control.deliver(lab)

    # By the script, with Python's -m, and where the folder is on Python's path.
    for command, more in (
        (("securetrail",), {}),
        (("python", "-m", "securetrail"), {}),
        (("securetrail",), {"PYTHONPATH": str(users_folder)}),
    ):
        done = verifier.run(*command, "check", "--json", cwd=users_folder, **variables, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        results: list[dict[str, Any]] = json.loads(done.stdout)["results"]
        assert {each["status"] for each in results if each["id"] == "trail_is_logging"} == {"PASS"}
    assert "usage: securetrail check " in verifier.run("securetrail", "check", "--help", cwd=users_folder).stdout
    assert verifier.run("securetrail", "events", "--since=1h", cwd=users_folder, **variables).returncode == 0
    # Services that the lab lacks make it a range.
    assert verifier.run("python", "-m", "verify", "score", cwd=Path("/"), **variables).returncode == 3
    assert verifier.distributions() & {"aws-cdk-lib", "constructs", "cdk-nag", "jsii", "ministack"} == set()


def deploy(verifier: Environment, variables: dict[str, str], folder: Path) -> None:
    """The reviewed template, unless another test has deployed it. The verifier's own environment has boto3."""
    program = (
        "import boto3, sys; c = boto3.client('cloudformation')\n"
        "if 'SecureTrail' not in [each['StackName'] for each in c.describe_stacks()['Stacks']]:\n"
        "    c.create_stack(StackName='SecureTrail', TemplateBody=sys.argv[1])\n"
        "print(c.describe_stacks(StackName='SecureTrail')['Stacks'][0]['StackStatus'])"
    )
    done = verifier.run("python", "-P", "-c", program, TEMPLATE, cwd=folder, **variables)
    assert done.stdout == "CREATE_COMPLETE\n", done.stderr


# ---- who reviews ---------------------------------------------------------------------------------------------------


def test_who_reviews_needs_neither_cdk_nor_the_verifiers_libraries(
    wheel: Path, installed: Callable[[str, Path], Environment], tmp_path: Path
) -> None:
    reviewer = installed("review", wheel)
    project = new_repository(tmp_path / "project", python="python app.py")
    write_template(project, T=trail(IsLogging=False, TrailName="other"), Second=TRAIL)
    commit(project)
    same = reviewer.run("securetrail", "review", "--base=HEAD", cwd=project)
    worse = reviewer.run("securetrail", "review", "--base=HEAD~1", "--json", cwd=project)

    assert same.returncode == 0, same.stdout + same.stderr
    assert worse.returncode == 1, worse.stdout + worse.stderr
    assert json.loads(worse.stdout)["objections"]
    assert reviewer.distributions() & {"aws-cdk-lib", "boto3-stubs", "pycurl", "duckdb", "ministack"} == set()


# ---- on another system, with a newer Python ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def debian(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    """Debian 13, whose Python is 3.13."""
    if os.geteuid() != 0:
        pytest.skip("only root can make and enter another system")
    needs("debootstrap")
    folder = tmp_path_factory.mktemp("debian") / "trixie"
    command = ["debootstrap", "--variant=minbase", "--include=python3,ca-certificates", "trixie", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    made = Debian(folder)
    made.install(f"securetrail[construct,verify] @ {wheel.as_uri()}", "3.13")
    yield made
    shutil.rmtree(folder)


def test_on_debian_13_an_app_is_synthesized_and_a_trail_is_checked(
    debian: Debian, users_folder: Path, lab: Lab, verifier: Environment
) -> None:
    assert debian.run("python3", "--version").stdout.startswith("Python 3.13.")
    shutil.copytree(users_folder, debian.folder / "repository")
    done = debian.run("python3", "app.py", cwd="/repository", CDK_OUTDIR="/out", CDK_VALIDATION="false")
    assert done.returncode == 0, done.stderr
    resources = json.loads((debian.folder / "out/Network.template.json").read_text())["Resources"]
    assert "AWS::CloudTrail::Trail" in {each["Type"] for each in resources.values()}

    variables = lab_variables(lab, "444455556666")
    deploy(verifier, variables, users_folder)
    control.deliver(lab)
    for name in ("AWS_CA_BUNDLE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        shutil.copy(variables[name], debian.folder / "root")
        variables[name] = f"/root/{Path(variables[name]).name}"
    done = debian.run("python3", "-m", "securetrail", "check", cwd="/repository", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    done = debian.run("python3", "-m", "securetrail", "logs", "stats", cwd="/repository", **variables)
    assert done.returncode in (0, 3), done.stdout + done.stderr  # a young trail may have no log file yet


# ---- from the folder -----------------------------------------------------------------------------------------------


def test_pip_installs_it_from_the_folder(tmp_path: Path) -> None:
    """As docs/usage.md says, without an extra: `pip install .`."""
    source = tmp_path / "source"
    copy((*tracked(*PACKAGES), "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "UPGRADING.md"), source)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "environment"], check=True)
    pip = Environment(tmp_path / "environment")
    done = subprocess.run(
        [pip.python, "-m", "pip", "install", "--quiet", "."], cwd=source, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert pip.run("securetrail", "--version", cwd=tmp_path).stdout == f"securetrail {__version__}\n"
