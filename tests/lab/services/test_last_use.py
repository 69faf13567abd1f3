"""When keys and passwords were used last."""

import csv
import io

from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory
from tests.lab.identities import allow, make_user


def test_the_credential_report_has_users_whose_names_have_commas(lab: Lab, client: ClientFactory) -> None:
    iam = client("iam")
    make_user(lab, "report,of=ann", allow("iam:ListUsers"), Path="/a,b/").client("iam").list_users()

    iam.generate_credential_report()
    rows = list(csv.DictReader(io.StringIO(iam.get_credential_report()["Content"].decode())))

    [found] = [each for each in rows if each["user"] == "report,of=ann"]
    assert found["arn"] == f"arn:aws:iam::{lab.account}:user/a,b/report,of=ann"
    assert found["access_key_1_last_used_service"] == "iam"
    assert {len(each) for each in rows} == {len(found)}
