"""The AWS files of a lab: what AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and AWS_CA_BUNDLE name in its environment.

They hold what the environment's variables hold as well, for `aws configure get` and for whatever asks a profile.
https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
"""

from datetime import UTC, datetime, timedelta

from lab.endpoint import require_loopback
from lab.instance import folder
from lab.instance.folder import Lab

CONFIG = "aws-config"
CREDENTIALS = "aws-credentials"
CA_BUNDLE = "aws-ca-bundle.pem"
_CA_DAYS = 3650


def write(lab: Lab) -> None:
    """Writes the three files into the lab's folder.

    :raises LabError: the lab's endpoint is not on this machine.
    """
    folder.write_file(lab.home, CONFIG, config(lab))
    folder.write_file(lab.home, CREDENTIALS, credentials(lab))
    folder.write_file(lab.home, CA_BUNDLE, authority_that_signed_nothing())


def config(lab: Lab) -> str:
    """The profile `default`: its region and endpoint, times that people can read, and no program that pages.

    :raises LabError: the lab's endpoint is not on this machine.
    """
    return f"""[default]
region = {lab.region}
output = json
endpoint_url = {require_loopback(lab.endpoint)}
cli_timestamp_format = iso8601
cli_pager =
"""


def credentials(lab: Lab) -> str:
    """The learner's access key, as the profile `default`."""
    return f"""[default]
aws_access_key_id = {lab.access_key_id}
aws_secret_access_key = {lab.secret_access_key}
"""


def authority_that_signed_nothing() -> str:
    """A certificate authority (PEM) whose key is thrown away. Programs that trust it alone trust no server.

    The lab answers over HTTP. A program that does not know AWS_ENDPOINT_URL, such as the AWS CLI before 1.29 and 2.13,
    and a command that goes by no endpoint, such as `aws sqs` of version 1, call AWS over HTTPS, and end before they
    send anything. A file without a certificate would do for Python, but Go's SDK rejects to start with it.
    """
    # Here, as only a new lab needs it and reading it takes as long as a whole `lab status`.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "SecureTrail's lab trusts no server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
