"""The account's own block, asked by name: clients of S3 Control put the account id before the host of any endpoint."""

import dataclasses
import json
import socket
from typing import Any

import pytest

from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, make_client

ACCOUNT = "111122223333"
ALL = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


def test_under_localhost_it_is_answered_and_recorded(
    lab: Lab, client: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def as_a_line_in_the_hosts_file_would(host: Any, *more: Any, **named: Any) -> Any:
        return resolve("127.0.0.1" if host == f"{ACCOUNT}.localhost" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", as_a_line_in_the_hosts_file_would)
    by_name = dataclasses.replace(lab, endpoint=f"http://localhost:{lab.port}")
    s3control = make_client(by_name, "s3control")

    s3control.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=ALL)
    found = s3control.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    s3control.delete_public_access_block(AccountId=ACCOUNT)

    assert found == ALL
    asked = [{"AttributeKey": "EventName", "AttributeValue": "PutAccountPublicAccessBlock"}]
    newest = client("cloudtrail").lookup_events(LookupAttributes=asked, MaxResults=1)["Events"][0]
    assert json.loads(newest["CloudTrailEvent"])["requestParameters"]["accountId"] == ACCOUNT
