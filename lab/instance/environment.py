"""Environments built from nothing: what a program run against the lab may inherit, and what the lab gives it.

No profile, role, single sign-on session, endpoint override or proxy of the user passes, so that nothing run here can
reach a real account. https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lab.endpoint import require_loopback
from lab.instance import aws_files
from lab.instance.folder import PROJECT, Lab

_INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "TERM",
    "VIRTUAL_ENV",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "CI",
)
_INHERITED_PREFIXES = ("LC_", "JSII_")
PACKAGE_CACHE = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The harmless part of a user's environment, with this Python's own programs (node among them) first on PATH."""
    found = {
        name: value for name, value in environment.items() if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    return found | {"PATH": own_programs_first(found.get("PATH"))}


def own_programs_first(path: str | None) -> str:
    """A PATH with the folder of this Python, whose `aws`, `node` and `python` are the lab's, first and only there."""
    own = str(Path(sys.executable).parent)
    return os.pathsep.join([own, *(each for each in (path or os.defpath).split(os.pathsep) if each != own)])


def package_cache(environment: Mapping[str, str]) -> dict[str, str]:
    """Where CDK for Python unpacks itself: beside this Python, whose code is what it unpacks, unless the user has it
    elsewhere, or this Python is the machine's or somebody else's.

    By itself it takes ~/.cache, and ends where a group may write into that: so it is on Ubuntu and Debian 13, whose
    umask is 002. https://github.com/aws/jsii/tree/main/packages/@jsii/kernel/src/tar-cache
    """
    place = Path(sys.prefix)
    is_own = sys.prefix != sys.base_prefix and os.access(place, os.W_OK) and place.stat().st_uid == os.geteuid()
    return {PACKAGE_CACHE: str(place / "jsii")} if is_own and not environment.get(PACKAGE_CACHE) else {}


def lab_variables(lab: Lab, account: str | None = None) -> dict[str, str]:
    """The AWS settings that lead to the lab and nowhere else.

    :param account: twelve digits, to work as the root of that account; as the lab's learner when None.
    :raises LabError: the lab's endpoint is not on this machine.
    """
    return {
        "AWS_ENDPOINT_URL": require_loopback(lab.endpoint),
        "AWS_ACCESS_KEY_ID": account or lab.access_key_id,
        "AWS_SECRET_ACCESS_KEY": lab.root_secret(account) if account else lab.secret_access_key,
        "AWS_REGION": lab.region,
        "AWS_DEFAULT_REGION": lab.region,
        "AWS_CONFIG_FILE": str(lab.home / aws_files.CONFIG),
        "AWS_SHARED_CREDENTIALS_FILE": str(lab.home / aws_files.CREDENTIALS),
        "AWS_CA_BUNDLE": str(lab.home / aws_files.CA_BUNDLE),
        "AWS_EC2_METADATA_DISABLED": "true",
        # A name before an address, as some operations of Step Functions have it, leads nowhere.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_PAGER": "",
    }


def aws_environment(lab: Lab) -> dict[str, str]:
    """The complete environment of a program that works with the lab.

    Its temporary files are in the lab's folder: in /tmp, Node and others load code from names that others can guess.
    """
    return {
        **inherited(os.environ),
        **package_cache(os.environ),
        **lab_variables(lab),
        "TMPDIR": str(_temporary(lab.home)),
        "NODE_DISABLE_COMPILE_CACHE": "1",
        "CDK_HOME": str(lab.home / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "CDK_DEFAULT_ACCOUNT": lab.account,
        "CDK_DEFAULT_REGION": lab.region,
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "NO_PROXY": "*",
    }


def server_environment(home: Path, port: int, account: str, region: str) -> dict[str, str]:
    """The environment of the lab's own process: MiniStack's settings, with everything off that would listen, reach for
    Docker, run what was uploaded, or write outside the lab's folder.
    """
    data = home / "data"
    return {
        **inherited(os.environ),
        "PYTHONPATH": str(PROJECT),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(_temporary(home)),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "localhost",
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": region,
        "LOG_LEVEL": "WARNING",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": f"unix://{home}/no-docker",
        "LAMBDA_STRICT": "1",
        "ATHENA_ENGINE": "mock",
        "CLOUDTRAIL_RECORDING": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(data / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data / "s3"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _temporary(home: Path) -> Path:
    """The folder of temporary files, which the lab's process makes when it starts."""
    return home / "data" / "tmp"
