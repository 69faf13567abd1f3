"""Every internal of MiniStack that the lab relies on. A failure here after an upgrade names what moved."""

import inspect
import os
import re
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from ministack import app as ministack_app
from ministack.core import iam_evaluator, persistence, responses, router
from ministack.services import (
    apigateway,
    apigateway_v1,
    athena,
    cloudformation,
    cloudtrail,
    eventbridge,
    iam,
    lambda_svc,
    s3,
    sns,
    sts,
)
from ministack.services.cloudformation import custom_resource, provisioners

PINNED = "1.5.33"


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_version_is_the_one_whose_internals_were_read() -> None:
    assert metadata.version("ministack") == PINNED


def test_ministack_in_a_test_keeps_no_key_where_everybody_can_read_it() -> None:
    folder = Path(persistence.STATE_DIR)

    assert folder != Path(tempfile.gettempdir(), "ministack-state")
    assert (folder.stat().st_uid, folder.stat().st_mode & 0o077) == (os.getuid(), 0)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (ministack_app.app, ["scope", "receive", "send"]),
        (responses.get_account_id, []),
        (responses.get_region, []),
        (responses.set_request_account_id, ["access_key_id"]),
        (responses.set_request_region, ["region"]),
        (iam_evaluator.resolve_caller_identity, ["access_key_id"]),
        (cloudtrail._find_mutable_trail, ["raw"]),
        (cloudtrail._find_visible_trail, ["raw"]),
        (provisioners._provision_resource, ["resource_type", "logical_id", "props", "stack_name"]),
        (s3._new_bucket_public_access_block, []),
        (s3._resolve_sse_write_headers, ["headers", "bucket_name"]),
        (s3._maybe_replicate, ["bucket_name", "key", "obj", "data", "tags"]),
        (s3._replication_rule_for, ["bucket_name", "key", "tags"]),
        (s3._apply_object_lock_from_headers, ["bucket_name", "key", "headers", "version_id"]),
        (s3._in_account, ["account_id"]),
        (eventbridge._dispatch_event, ["event", "view"]),
        (eventbridge._invoke_target, ["target", "event", "rule", "view"]),
        (sns._topic_by_arn_any_scope, ["topic_arn"]),
        (sns._validate_subscription_endpoint, ["protocol", "endpoint"]),
        (athena._start_query_execution, ["data"]),
        (athena._parse_ddl, ["query"]),
        (athena.get_athena_engine, []),
        (apigateway._urlopen_async, ["request_or_url", "timeout_seconds"]),
        (apigateway_v1._urlopen_async, ["request_or_url", "timeout_seconds"]),
        (s3._put_bucket_lifecycle, ["name", "body"]),
        (s3._list_object_versions, ["bucket_name", "query_params"]),
        (s3._list_multipart_uploads, ["bucket_name", "query_params"]),
        (s3._xml_body, ["root"]),
        (s3._verify_presigned_sigv4, ["method", "path", "headers", "query_params"]),
        (ministack_app.set_request_account_id, ["access_key_id"]),
        (iam_evaluator._resolve_managed_policy_document, ["policy_arn", "account_id"]),
        (iam._IAM_HANDLERS["GetAccountAuthorizationDetails"], ["p"]),
        (lambda_svc._execute_function_dispatch, ["func", "config", "event", "request_id", "started"]),
        (
            custom_resource.invoke_custom_resource,
            [
                "request_type",
                "logical_id",
                "props",
                "stack_name",
                "stack_id",
                "resource_type",
                "physical_id",
                "old_props",
            ],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_function_takes_what_the_lab_gives_it(function: Any, expected: list[str]) -> None:
    assert parameters(function) == expected


def test_names_are_generated_from_stack_logical_id_and_seed() -> None:
    assert parameters(provisioners._physical_name)[:2] == ["stack_name", "logical_id"]
    assert {"lowercase", "max_len"} <= set(parameters(provisioners._physical_name))
    plain = provisioners._physical_name("stack", "Logical", lowercase=True, max_len=63)
    token = provisioners._NAME_SEED.set("seed")
    seeded = provisioners._physical_name("stack", "Logical", lowercase=True, max_len=63)
    provisioners._NAME_SEED.reset(token)
    assert plain.startswith("stack-logical-")
    assert seeded != plain


@pytest.mark.parametrize("service", ["s3", "kms", "cloudtrail"])
def test_the_services_that_cloudformation_calls_are_registered(service: str) -> None:
    assert inspect.iscoroutinefunction(ministack_app.SERVICE_HANDLERS[service])


@pytest.mark.parametrize(
    "action",
    ["AddTags", "CreateTrail", "DeleteTrail", "LookupEvents", "UpdateTrail", "GetTrail", "PutEventSelectors"],
)
def test_cloudtrails_operations_are_found_by_name(action: str) -> None:
    assert parameters(cloudtrail._DISPATCH[action]) == ["body"]


@pytest.mark.parametrize(
    "resource_type",
    ["AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key", "AWS::KMS::Alias", "AWS::SNS::Topic"],
)
def test_resource_handlers_are_tables_of_actions(resource_type: str) -> None:
    handler = provisioners._RESOURCE_HANDLERS[resource_type]

    assert {"create", "delete"} <= set(handler)
    assert parameters(handler["create"]) == ["logical_id", "props", "stack_name"]


def test_an_update_gets_the_logical_id_when_it_asks_for_it() -> None:
    source = inspect.getsource(provisioners._update_resource)

    assert 'handler.get("update_with_logical_id")' in source
    assert provisioners._STACK_TAG_PROPERTY["AWS::KMS::Key"] == ("Tags", "list")


@pytest.mark.parametrize(
    "store",
    [cloudformation._stacks, cloudtrail._trail_tags, iam._roles, responses.AccountRegionScopedDict()],
    ids=["stacks", "trail tags", "roles", "new store"],
)
def test_stores_are_scoped(store: Any) -> None:
    assert callable(store.get_scoped)


def test_unknown_services_are_looked_up_in_a_set_of_names() -> None:
    assert hasattr(router, "_KNOWN_AWS_SERVICE_NAMES")
    assert "_KNOWN_AWS_SERVICE_NAMES" in inspect.getsource(router._is_aws_service_name)
    assert "PublicAccessBlockConfiguration" in s3._NEW_BUCKET_PUBLIC_ACCESS_BLOCK
    assert "_new_bucket_public_access_block()" in inspect.getsource(s3._create_bucket)


def test_keys_have_their_secrets_where_the_lab_looks_for_them() -> None:
    assert "set_request_account_id(_request_account_scope(_access_key) if AUTH else _access_key)" in inspect.getsource(
        ministack_app.app
    )
    assert {"SecretAccessKey", "Status"} <= set(re.findall(r'"(\w+)":', inspect.getsource(iam._create_access_key)))
    assert callable(iam._access_keys.get_scoped)
    assert callable(iam._access_keys.to_dict)
    assert isinstance(sts._sessions, dict)
    sessions = re.findall(r"register_session\(access_key, \{(.*?)\}\)", inspect.getsource(sts), re.DOTALL)
    assert len(sessions) >= 4
    for names in sessions:
        assert {"SecretAccessKey", "SessionToken", "Expiration"} <= set(re.findall(r'"(\w+)":', names))


def test_replication_names_the_copy_before_its_retention_is_set() -> None:
    assert 'obj["_replica"] = (dest_name, replica_version, dest_account)' in inspect.getsource(s3._maybe_replicate)
    source = inspect.getsource(s3._put_object)
    assert source.index("_maybe_replicate(") < source.index("_apply_object_lock_from_headers(")
    assert callable(s3._bucket_object_lock.get_scoped)
    assert callable(s3._object_retention.get)
