"""What calls need whose actions, resources or condition keys do not follow from their names and parameters alone."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from lab.authorization.needs import (
    ApiCall,
    Keys,
    Lookup,
    Need,
    Special,
    Unknown,
    action_of,
    filled,
    generic,
    passed_roles,
)
from lab.authorization.s3_needs import encryption_keys, needs_of_reading, s3_needs, s3control_needs, via_service
from lab.authorization.tag_needs import tagging_needs

# Nobody is ever refused these: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
_FOR_EVERYBODY = frozenset({"GetCallerIdentity", "GetSessionToken"})
_RENAMED = {
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "SendMessageBatch"): "SendMessage",
    ("sns", "PublishBatch"): "Publish",
    ("lambda", "Invoke"): "InvokeFunction",
    ("lambda", "InvokeAsync"): "InvokeFunction",
    ("lambda", "InvokeWithResponseStream"): "InvokeFunction",
    ("lambda", "GetLayerVersionByArn"): "GetLayerVersion",
    ("cloudfront", "CreateDistributionWithTags"): "CreateDistribution",
    ("bedrock-runtime", "Converse"): "InvokeModel",
    ("bedrock-runtime", "ConverseStream"): "InvokeModelWithResponseStream",
    ("bedrock-runtime", "StartAsyncInvoke"): "InvokeModel",
    ("batch", "CancelJobs"): "CancelJob",
    ("batch", "TerminateJobs"): "TerminateJob",
    ("logs", "GetLogObject"): "GetLogRecord",
}


def needs_of(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """Everything that a caller needs for a call, in the order in which AWS would say that it is lacking.

    :raises Unknown: the lab does not know.
    """
    needed: list[Need] = []
    for need in _SPECIAL.get(call.service, _by_name)(call, lookup):
        needed.append(need)
        yield need
    if not needed and call.service != "sts":  # a call that lacks what it is about, or has a list of nothing
        yield from _by_name(call, lookup)  # STS has calls for everybody
    yield from tagging_needs(call, needed)


def _by_name(call: ApiCall, lookup: Lookup, keys: Keys | None = None) -> Iterator[Need]:
    action = action_of(call.prefix, _RENAMED.get((call.service, call.operation), call.operation))
    yield from generic(call, action, keys)
    yield from passed_roles(call, lookup)


def _sts(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """What is handed on in a chain of roles needs the same permissions as what a call names itself.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    """
    given = call.parameters
    if call.operation in _FOR_EVERYBODY:
        return
    if call.operation not in ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"):
        yield from generic(call, action_of("sts", call.operation))
        return
    role = str(given.get("RoleArn") or "*")
    began, has_inherited_tags = lookup.handed_on()
    identity = given.get("SourceIdentity") or began
    keys = _single({"sts:externalid": given.get("ExternalId"), "sts:rolesessionname": given.get("RoleSessionName")})
    keys |= _single({"sts:sourceidentity": identity})
    keys |= {"sts:transitivetagkeys": tuple(given["TransitiveTagKeys"])} if given.get("TransitiveTagKeys") else {}
    yield Need(f"sts:{call.operation}", role, keys)
    if given.get("Tags") or has_inherited_tags:
        yield Need("sts:TagSession", role, keys)
    if identity:
        yield Need("sts:SetSourceIdentity", role, keys)


_IAM_KINDS = {
    "user": ("UserName",),
    "role": ("RoleName",),
    "group": ("GroupName",),
    "instance-profile": ("InstanceProfileName",),
}


_IAM_LISTS = {"ListGroups": "group", "ListRoles": "role", "ListUsers": "user"}


def _iam(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    action = action_of("iam", call.operation)
    keys = _single(
        {
            "iam:policyarn": call.parameters.get("PolicyArn"),
            "iam:permissionsboundary": call.parameters.get("PermissionsBoundary") or _boundary(call, lookup),
            "iam:awsservicename": call.parameters.get("AWSServiceName"),
        }
    )
    if call.operation in _IAM_LISTS:
        path = call.parameters.get("PathPrefix") or "/"
        yield Need(action.name, f"arn:aws:iam::{call.account}:{_IAM_LISTS[call.operation]}{path}", keys)
        return
    found = []
    for kind, is_required in action.resources:
        arn = _iam_arn(call, kind, lookup)
        if arn or is_required:
            found.append((arn or "*", bool(arn)))
    for arn, is_known in found or [("*", True)]:
        yield Need(action.name, arn, keys, is_resource_known=is_known)
    if call.operation == "AddRoleToInstanceProfile":
        role = lookup.iam_arn("role", str(call.parameters.get("RoleName", "")), call.account)
        yield Need("iam:PassRole", role or "*", {"iam:passedtoservice": ("ec2.amazonaws.com",)}, bool(role))


def _boundary(call: ApiCall, lookup: Lookup) -> str:
    """Of the user or role whose policies the call changes: who may give rights away is often limited by it."""
    kinds = {"UserName": "user", "RoleName": "role"}
    named = next((each for each in kinds if call.parameters.get(each)), None)
    return lookup.boundary_arn(kinds[named], str(call.parameters[named]), call.account) if named else ""


def _iam_arn(call: ApiCall, kind: str, lookup: Lookup) -> str:
    given, account = call.parameters, call.account
    start = f"arn:aws:iam::{account}:{kind}"
    if call.operation == "CreateServiceLinkedRole":
        return f"{start}/aws-service-role/{given.get('AWSServiceName', '*')}/*"
    if kind in _IAM_KINDS:
        name = next((str(given[each]) for each in _IAM_KINDS[kind] if given.get(each)), "")
        if call.operation == "GetAccessKeyLastUsed":  # which names a user's key alone
            name = lookup.user_of_access_key(str(given.get("AccessKeyId") or ""))
        elif not name and kind == "user":
            name = call.caller_user  # https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html
        made = f"{start}{given.get('Path') or '/'}{name}"
        return (lookup.iam_arn(kind, name, account) or made) if name else ""
    if kind == "policy":
        arn = str(given.get("PolicyArn", ""))
        name = str(given.get("PolicyName", "")) if call.operation == "CreatePolicy" else ""
        return arn or (f"{start}{given.get('Path') or '/'}{name}" if name else "")
    members = {
        "oidc-provider": ("OpenIDConnectProviderArn", "Url"),
        "saml-provider": ("SAMLProviderArn", "Name"),
        "mfa": ("SerialNumber", "VirtualMFADeviceName"),
        "server-certificate": ("ServerCertificateName",),
    }
    value = next((str(given[each]) for each in members.get(kind, ()) if given.get(each)), "")
    return value if not value or value.startswith("arn:") else f"{start}/{value.removeprefix('https://')}"


def _kms(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    given, operation = call.parameters, call.operation
    keys = _kms_keys(call)
    if operation == "ReEncrypt":
        source = _key(given, "SourceKeyId", lookup) or lookup.key_of_ciphertext(_bytes(given.get("CiphertextBlob")))
        old, new = given.get("SourceEncryptionContext") or {}, given.get("DestinationEncryptionContext") or {}
        yield _of_key("kms:ReEncryptFrom", source, {**keys, **encryption_keys(old)})
        yield _of_key("kms:ReEncryptTo", _key(given, "DestinationKeyId", lookup), {**keys, **encryption_keys(new)})
        return
    action = action_of("kms", operation)
    kinds = {kind for kind, _ in action.resources}
    if "alias" in kinds and given.get("AliasName"):
        yield Need(action.name, f"arn:aws:kms:{call.region}:{call.account}:{given['AliasName']}", keys)
        target = _key(given, "TargetKeyId", lookup)
        for key in dict.fromkeys([lookup.key_of_alias(str(given["AliasName"])), target]):
            if key:
                yield Need(action.name, key, keys)
        return
    if "key" not in kinds:
        yield Need(action.name, "*", keys)
        return
    key = _key(given, "KeyId", lookup)
    if not key and given.get("CiphertextBlob"):
        key = lookup.key_of_ciphertext(_bytes(given["CiphertextBlob"]))
    if operation == "RetireGrant":  # whichever key the call names beside the grant
        key = lookup.key_of_grant(str(given.get("GrantToken") or ""), str(given.get("GrantId") or "")) or key
    yield _of_key(action.name, key, keys)


def _key(given: Mapping[str, Any], member: str, lookup: Lookup) -> str:
    name = str(given.get(member) or "")
    return lookup.key_arn(name) or (name if ":key/" in name else "")


def _of_key(action: str, arn: str, keys: Keys) -> Need:
    return Need(action, arn or "*", keys, is_resource_known=bool(arn))


def _kms_keys(call: ApiCall) -> dict[str, tuple[str, ...]]:
    given = call.parameters
    name = str(given.get("KeyId") or "")
    constraints = given.get("Constraints") or {}
    found = encryption_keys(given.get("EncryptionContext") or {})
    found |= _single(
        {
            "kms:requestalias": name.partition(":alias/")[2] and f"alias/{name.partition(':alias/')[2]}",
            "kms:granteeprincipal": given.get("GranteePrincipal"),
            "kms:retiringprincipal": given.get("RetiringPrincipal"),
            "kms:grantconstrainttype": next(iter(constraints), None),
            "kms:bypasspolicylockoutsafetycheck": given.get("BypassPolicyLockoutSafetyCheck"),
            "kms:schedulekeydeletionpendingwindowindays": given.get("PendingWindowInDays"),
        }
    )
    if name.startswith("alias/"):
        found["kms:requestalias"] = (name,)
    if call.operation in ("Decrypt", "Encrypt", "ReEncrypt"):
        found["kms:encryptionalgorithm"] = (str(given.get("EncryptionAlgorithm") or "SYMMETRIC_DEFAULT"),)
    if given.get("Operations"):
        found["kms:grantoperations"] = tuple(map(str, given["Operations"]))
    if call.operation in ("CreateGrant", "ListGrants", "RevokeGrant"):
        found["kms:grantisforawsresource"] = ("false",)
    return found


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    try:
        return base64.b64decode(str(value or ""))
    except ValueError:
        return b""


def _sqs(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    action = action_of("sqs", _RENAMED.get(("sqs", call.operation), call.operation))
    url = str(call.parameters.get("QueueUrl") or "")
    if not url:
        yield from generic(call, action)
        return
    try:
        path = urlsplit(url).path
    except ValueError as error:  # no URL
        raise Unknown from error
    account, _, name = path.strip("/").rpartition("/")
    owner = account.rpartition("/")[2] if account.rpartition("/")[2].isdecimal() else call.account
    queue = f"arn:aws:sqs:{call.region}:{owner}:{name}"
    yield Need(action.name, queue)
    by_key = {"sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"), "sqs:ReceiveMessage": ("kms:Decrypt",)}
    yield from _of_customers_key(call, lookup, "sqs", queue, by_key.get(action.name, ()), {"aws:sqs:arn": queue})


def _sns(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    keys = _single({"sns:protocol": call.parameters.get("Protocol"), "sns:endpoint": call.parameters.get("Endpoint")})
    topic = str(call.parameters.get("TopicArn") or call.parameters.get("TargetArn") or "")
    if call.operation not in ("Publish", "PublishBatch") or not topic:
        yield from _by_name(call, lookup, keys)
        return
    yield Need("sns:Publish", topic, keys)  # whatever the message says
    actions = ("kms:GenerateDataKey", "kms:Decrypt")
    yield from _of_customers_key(call, lookup, "sns", topic, actions, {"aws:sns:topicArn": topic})


def _of_customers_key(
    call: ApiCall, lookup: Lookup, service: str, resource: str, actions: tuple[str, ...], context: Mapping[str, str]
) -> Iterator[Need]:
    """What is needed of a customer managed key that encrypts a resource."""
    key = lookup.encryption_key(service, resource) if actions else ""
    if key:
        keys = via_service(f"{service}.{call.region}.amazonaws.com", context)
        yield from (Need(action, key, keys) for action in actions)


def _of_named_key(
    call: ApiCall, lookup: Lookup, member: str, actions: tuple[str, ...], context: Mapping[str, str]
) -> Iterator[Need]:
    """What is needed of a customer managed key that a call names for what it makes or changes."""
    name = str(call.parameters.get(member) or "")
    if name and _MANAGED not in name:
        keys = via_service(f"{call.service}.{call.region}.amazonaws.com", context)
        yield from (Need(action, lookup.named_key_arn(name), keys) for action in actions)


_MANAGED = "alias/aws/"


def _lambda_with_code(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """What Lambda reads of S3 for its caller, the caller must be allowed to read."""
    yield from _lambda(call, lookup)
    for each in (call.parameters, call.parameters.get("Code"), call.parameters.get("Content")):
        if isinstance(each, Mapping) and each.get("S3Bucket"):
            version = str(each.get("S3ObjectVersion") or "")
            yield from needs_of_reading(str(each["S3Bucket"]), str(each.get("S3Key") or ""), version, "", lookup)


def _cloudformation(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """A template, or a stack's policy, by URL is read for who names it. A change set that is named by its ARN is for
    its own stack, whichever one the call names beside it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html (TemplateURL)
    """
    change_set = str(call.parameters.get("ChangeSetName") or "")
    stack = lookup.stack_of_change_set(change_set) if change_set.startswith("arn:") else ""
    if stack:
        call = replace(call, parameters={**call.parameters, "StackName": stack})
    yield from _by_name(call, lookup)
    for member in _CLOUDFORMATION_URLS & call.parameters.keys():
        bucket, key = object_of_url(str(call.parameters[member]))
        yield from needs_of_reading(bucket, key, "", "cloudformation.amazonaws.com", lookup)


_CLOUDFORMATION_URLS = frozenset({"TemplateURL", "StackPolicyURL", "StackPolicyDuringUpdateURL"})


def object_of_url(url: str) -> tuple[str, str]:
    """Bucket and key of an object by its URL, as CloudFormation reads it here: both are in the path.

    :raises Unknown: it is no URL.
    """
    try:
        bucket, _, key = urlsplit(url).path.lstrip("/").partition("/")
    except ValueError as error:
        raise Unknown from error
    return bucket, key


def _lambda(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    name = str(call.parameters.get("FunctionName") or "")
    action = action_of("lambda", _RENAMED.get(("lambda", call.operation), call.operation))
    if name and call.operation.endswith("EventSourceMapping"):
        name = name if name.startswith("arn:") else _function_arn(call, name)
        yield from _by_name(call, lookup, {"lambda:functionarn": (name,)})
        return
    if not name or not any(kind == "function" for kind, _ in action.resources):
        yield from _by_name(call, lookup)
        return
    if not name.startswith("arn:"):
        name = _function_arn(call, name)
    qualifier = call.parameters.get("Qualifier")
    if qualifier and name.count(":") == 6:
        name = f"{name}:{qualifier}"
    principal = call.parameters.get("Principal") if call.operation == "AddPermission" else None
    yield Need(action.name, name, _single({"lambda:principal": principal}))
    if call.operation == "InvokeAsync":  # which is an action too: no document says which of the two counts
        yield Need("lambda:InvokeAsync", name)
    yield from passed_roles(call, lookup)


def _function_arn(call: ApiCall, name: str) -> str:
    return f"arn:aws:lambda:{call.region}:{call.account}:function:{name.rsplit('function:', maxsplit=1)[-1]}"


def _secretsmanager(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    action = action_of("secretsmanager", call.operation)
    if call.operation == "BatchGetSecretValue":
        yield from _secrets_of_batch(call, action.name, lookup)
        return
    names = [str(each) for each in [call.parameters.get("SecretId")] if each]
    if call.operation == "CreateSecret":
        names = [str(call.parameters.get("Name", ""))]
    if not names:
        yield from generic(call, action)
        return
    for name in names:
        start = f"arn:aws:secretsmanager:{call.region}:{call.account}:secret:"
        arn = lookup.secret_arn(name) or (name if name.startswith("arn:") else f"{start}{name}")
        yield Need(action.name, arn, _single({"secretsmanager:name": call.parameters.get("Name")}))
        actions = {
            "GetSecretValue": ("kms:Decrypt",),
            "PutSecretValue": ("kms:GenerateDataKey", "kms:Decrypt"),
            "UpdateSecret": ("kms:GenerateDataKey", "kms:Decrypt"),
        }.get(call.operation, ())
        if call.operation == "UpdateSecret" and not _SECRETS & call.parameters.keys():
            actions = ()  # what is secret stays as it is
        yield from _of_customers_key(call, lookup, "secretsmanager", arn, actions, {"SecretARN": arn})
        if call.operation in ("CreateSecret", "UpdateSecret"):
            made_by = ("kms:GenerateDataKey", "kms:Decrypt")
            yield from _of_named_key(call, lookup, "KmsKeyId", made_by, {"SecretARN": arn})


def _secrets_of_batch(call: ApiCall, action: str, lookup: Lookup) -> Iterator[Need]:
    """Beside its own action, whatever is needed to list secrets and to read each that it answers with.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
    """
    yield Need(action)
    names = [str(each) for each in call.parameters.get("SecretIdList") or () if each]
    if not names:
        yield Need("secretsmanager:ListSecrets")
        names = lookup.secrets_found(call.parameters.get("Filters") or [])
    for name in names:
        one = {"SecretId": name}
        yield from _secretsmanager(replace(call, operation="GetSecretValue", parameters=one), lookup)


_SECRETS = frozenset({"SecretString", "SecretBinary", "KmsKeyId"})


def _ssm(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    action = action_of("ssm", call.operation)
    if not any(kind == "parameter" for kind, _ in action.resources) or call.operation.endswith("TagsForResource"):
        yield from _by_name(call, lookup)
        return
    given = call.parameters
    names = [str(each) for each in [given.get("Name"), given.get("Path"), *(given.get("Names") or ())] if each]
    if not names:
        yield from generic(call, action)
        return
    for name in names:
        plain = name if name.startswith("arn:") else name.partition(":")[0]
        arn = plain if plain.startswith("arn:") else filled(_PARAMETER, call, {"Name": plain.removeprefix("/")})
        yield Need(action.name, arn, _single({"ssm:overwrite": given.get("Overwrite")}))
        actions = ("kms:Decrypt",) if given.get("WithDecryption") else ()
        for each in _parameters(call, lookup, arn) if actions else [arn]:
            yield from _of_customers_key(call, lookup, "ssm", each, actions, {"PARAMETER_ARN": each})
        if call.operation == "PutParameter" and given.get("Type") == "SecureString":
            made_by = "kms:GenerateDataKey" if given.get("Tier") == "Advanced" else "kms:Encrypt"
            yield from _of_named_key(call, lookup, "KeyId", (made_by,), {"PARAMETER_ARN": arn})


def _parameters(call: ApiCall, lookup: Lookup, arn: str) -> list[str]:
    """The ARNs of the parameters that a call is about, of which one is named, or a path that they are below."""
    if call.operation != "GetParametersByPath":
        return [arn]
    path = str(call.parameters.get("Path") or "/")
    names = lookup.parameters_below(path, is_recursive=bool(call.parameters.get("Recursive")))
    return [filled(_PARAMETER, call, {"Name": each.removeprefix("/")}) for each in names]


_PARAMETER = "arn:aws:ssm:${Region}:${Account}:parameter/${Name}"
_TAGGING = frozenset({"TagResource", "UntagResource", "ListTagsForResource"})


def _logs(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """Log groups are named with what may follow them: policies end in `:*`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    action = action_of("logs", _RENAMED.get(("logs", call.operation), call.operation))
    kinds = {kind for kind, _ in action.resources}
    start = f"arn:aws:logs:{call.region}:{call.account}:log-group:"
    given = call.parameters
    if call.operation == "DescribeLogGroups":
        yield Need(action.name, f"{start}:log-stream:")
        return
    if not kinds & {"log-group", "log-stream"} or call.operation in _TAGGING:
        yield from _by_name(call, lookup)
        return
    one = given.get("logGroupName") or given.get("logGroupIdentifier") or given.get("resourceIdentifier")
    groups = [one, *(given.get("logGroupNames") or ()), *(given.get("logGroupIdentifiers") or ())]
    names = [str(each).partition(":log-group:")[2].removesuffix(":*") or str(each) for each in groups if each]
    stream = str(given.get("logStreamName") or "") if "log-stream" in kinds else ""
    if not names:
        yield from _by_name(call, lookup)
        return
    for name in names:
        yield Need(action.name, f"{start}{name}:log-stream:{stream}")
    yield from passed_roles(call, lookup)


_ITEM_ACTIONS = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
# Texts and names in quotes, comments, and what stands between them. What does not end goes on to the end, so that no
# part of a statement is read twice.
_PARTIQL = re.compile(r"""'(?:[^']|'')*+'?|"(?:[^"]|"")*+"?|--[^\n]*|/\*.*?(?:\*/|\Z)|[\w$]+|\S""", re.DOTALL)
_PARTIQL_NAME = re.compile(r'"([\w.-]+)"|(\w+)')


def _dynamodb(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    given, operation = call.parameters, call.operation
    if operation in ("BatchGetItem", "BatchWriteItem"):
        for name in given.get("RequestItems") or {}:
            yield Need(f"dynamodb:{operation}", _table(call, str(name)))
    elif operation in ("TransactGetItems", "TransactWriteItems"):
        for item in given.get("TransactItems") or []:
            for kind, one in item.items():
                yield Need(f"dynamodb:{_ITEM_ACTIONS.get(kind, kind)}", _table(call, str(one.get("TableName", ""))))
    elif operation in ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"):
        statements = given.get("Statements") or given.get("TransactStatements") or [given]
        for each in statements:
            yield _partiql(call, str(each.get("Statement", "")))
    elif given.get("IndexName") and operation in ("Query", "Scan"):
        yield Need(
            f"dynamodb:{operation}", f"{_table(call, str(given.get('TableName', '')))}/index/{given['IndexName']}"
        )
    elif given.get("TableName"):
        yield Need(action_of("dynamodb", operation).name, _table(call, str(given["TableName"])))
    else:
        yield from _by_name(call, lookup)


def _partiql(call: ApiCall, statement: str) -> Need:
    verb, table = table_of_statement(statement)
    return Need(f"dynamodb:PartiQL{verb.capitalize()}", _table(call, table))


def table_of_statement(statement: str) -> tuple[str, str]:
    """The verb of a statement of PartiQL, in lower case, and its table, which it must name once and beyond doubt.

    :raises Unknown: it does not.
    """
    words = _PARTIQL.findall(statement)
    lowered = [each.lower() for each in words]
    verb = lowered[0] if lowered else ""
    before = {"select": "from", "delete": "from", "insert": "into", "update": "update"}.get(verb)
    if before is None or lowered.count(before) != 1 or any(each.startswith(("--", "/*")) for each in words):
        raise Unknown
    name, after = [*words[lowered.index(before) + 1 :], "", ""][:2]
    found = _PARTIQL_NAME.fullmatch(name)
    # Without quotes, `a.b` may be an index of a table or a table.
    if found is None or (found[2] and after == "."):
        raise Unknown
    return verb, found[1] or found[2]


def _table(call: ApiCall, name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:{call.region}:{call.account}:table/{name}"


def _events(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    given = call.parameters
    action = action_of("events", call.operation)
    start = f"arn:aws:events:{call.region}:{call.account}"
    if call.operation == "PutEvents":
        for each in given.get("Entries") or []:
            bus = str(each.get("EventBusName") or "default")
            arn = bus if bus.startswith("arn:") else f"{start}:event-bus/{bus}"
            keys = _single({"events:source": each.get("Source"), "events:detail-type": each.get("DetailType")})
            yield Need(action.name, arn, keys)
        return
    if not any(kind.startswith("rule-on") for kind, _ in action.resources) or "ResourceARN" in given:
        yield from _by_name(call, lookup)
        return
    name = str(given.get("Rule") or given.get("Name") or "")
    bus = str(given.get("EventBusName") or "default").rpartition("event-bus/")[2]
    if not name:
        yield from _by_name(call, lookup)
        return
    yield Need(action.name, f"{start}:rule/{name}" if bus == "default" else f"{start}:rule/{bus}/{name}")
    yield from passed_roles(call, lookup)


def _streams(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """Records are asked for by an iterator, which is for one stream, whatever the call names beside it."""
    if call.operation == "GetRecords":
        stream = lookup.stream_of_iterator(call.service, str(call.parameters.get("ShardIterator") or ""))
        yield Need(action_of(call.prefix, call.operation).name, stream or "*", is_resource_known=bool(stream))
        call = replace(call, parameters={name: each for name, each in call.parameters.items() if name == "StreamARN"})
        if not call.parameters:
            return
    yield from _by_name(call, lookup)


_TASKS = frozenset({"CreateService", "CreateTaskSet", "RunTask", "StartTask", "UpdateService"})


def _ecs(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """A task definition is named by family and revision, or by its family alone."""
    name = str(call.parameters.get("taskDefinition") or "")
    if call.operation in _TASKS and name and not name.startswith("arn:"):
        family, _, revision = name.partition(":")
        arn = f"arn:aws:ecs:{call.region}:{call.account}:task-definition/{family}:{revision or '*'}"
        call = replace(call, parameters={**call.parameters, "taskDefinition": arn})
    yield from _by_name(call, lookup)


# Of EC2's ids, the part before the hyphen, and the type of resource in ARNs.
_EC2_KINDS = {
    "acl": "network-acl",
    "ami": "image",
    "cgw": "customer-gateway",
    "dopt": "dhcp-options",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "i": "instance",
    "igw": "internet-gateway",
    "lt": "launch-template",
    "nat": "natgateway",
    "pcx": "vpc-peering-connection",
    "pl": "prefix-list",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "snap": "snapshot",
    "subnet": "subnet",
    "tgw": "transit-gateway",
    "vgw": "vpn-gateway",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
_OF_NO_ACCOUNT = frozenset({"image", "snapshot"})
_OF_SECURITY_GROUP = re.compile("(Authorize|Revoke|Delete|Modify|Update)SecurityGroup")


def _ec2(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    given = call.parameters
    if call.operation in ("CreateTags", "DeleteTags"):
        action = action_of("ec2", call.operation)
        for each in given.get("Resources") or ():
            arn = _ec2_arn(call, str(each))
            yield Need(action.name, arn or "*", is_resource_known=bool(arn))
    elif given.get("GroupId") and _OF_SECURITY_GROUP.match(call.operation):
        # Other groups in the call are whom its rules are about.
        yield Need(action_of("ec2", call.operation).name, _ec2_arn(call, str(given["GroupId"])) or "*")
    else:
        yield from _by_name(call, lookup)


def _ec2_arn(call: ApiCall, name: str) -> str:
    """The ARN of what has an id of EC2; '' for an id of another kind."""
    kind = _EC2_KINDS.get(name.partition("-")[0], "")
    account = "" if kind in _OF_NO_ACCOUNT else call.account
    return f"arn:aws:ec2:{call.region}:{account}:{kind}/{name}" if kind else ""


_DEFAULTS_OF_RDS = re.compile(r"arn:[^:]*:rds:[^:]*:[^:]*:(og|pg|cluster-pg|secgrp|subgrp):\*")


def _rds(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """Groups that a call leaves out are the account's default ones, which policies are not about."""
    needed = list(_by_name(call, lookup))
    others = [each for each in needed if each.is_resource_known or not _DEFAULTS_OF_RDS.fullmatch(each.resource)]
    yield from others or needed


def _autoscaling(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """Tags name their group each."""
    groups = [each.get("ResourceId") for each in call.parameters.get("Tags") or () if isinstance(each, Mapping)]
    if call.operation in ("CreateOrUpdateTags", "DeleteTags") and any(groups):
        call = replace(call, parameters={"AutoScalingGroupNames": [str(each) for each in groups if each]})
    yield from _by_name(call, lookup)


def _apigateway(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """Its actions are methods of HTTP and its resources paths.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html
    """
    yield Need(f"apigateway:{call.method}", f"arn:aws:apigateway:{call.region}::{call.path}")
    yield from passed_roles(call, lookup)


def _budgets(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """Most of its operations share two actions.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html
    """
    try:
        yield from _by_name(call, lookup)
    except Unknown:
        name = call.parameters.get("BudgetName")
        reads = call.operation.startswith("Describe")
        arn = f"arn:aws:budgets::{call.account}:budget/{name or '*'}"
        yield Need(f"budgets:{'ViewBudget' if reads else 'ModifyBudget'}", arn)


def _cognito_identity(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """Whoever gets credentials of an identity gets those of its pool's role, which must trust the pool.

    https://docs.aws.amazon.com/cognito/latest/developerguide/role-trust-and-permissions.html
    """
    yield from _by_name(call, lookup)
    if call.operation != "GetCredentialsForIdentity":
        return
    given = call.parameters
    identity = str(given.get("IdentityId") or "")
    pool, kind, role = lookup.identity_role(identity, has_logins=bool(given.get("Logins")))
    names = {"aud": pool, "amr": kind, "sub": identity if pool else ""}
    keys = _single({f"cognito-identity.amazonaws.com:{name}": value for name, value in names.items()})
    # Without a role of the pool, the credentials would be those of a role of this name.
    role = role or f"arn:aws:iam::{call.account}:role/CognitoIdentityPoolRole"
    for each in dict.fromkeys([role, str(given.get("CustomRoleArn") or role)]):
        yield Need("sts:AssumeRoleWithWebIdentity", each, keys)


def _single(values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Condition keys of those values that there are."""
    return {
        name: (str(value).lower() if isinstance(value, bool) else str(value),)
        for name, value in values.items()
        if value is not None and value != ""
    }


_SPECIAL: dict[str, Special] = {
    "apigateway": _apigateway,
    "apigatewayv2": _apigateway,
    "autoscaling": _autoscaling,
    "budgets": _budgets,
    "cloudformation": _cloudformation,
    "cognito-identity": _cognito_identity,
    "dynamodb": _dynamodb,
    "dynamodbstreams": _streams,
    "ec2": _ec2,
    "ecs": _ecs,
    "events": _events,
    "iam": _iam,
    "kinesis": _streams,
    "kms": _kms,
    "lambda": _lambda_with_code,
    "logs": _logs,
    "rds": _rds,
    "s3": s3_needs,
    "s3control": s3control_needs,
    "secretsmanager": _secretsmanager,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": _sts,
}
