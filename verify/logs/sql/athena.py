"""The table as Athena has it: the columns and types of the construct's Glue table, over the same events.

So a query that was written for Athena runs here, once its functions are translated (:func:`translated`).
https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from verify.errors import UsageError
from verify.logs.schema import BY_NAME, DERIVED, Derived, Kind

TABLE: Final = "cloudtrail_logs"
_TIME = "strftime({}, '%Y-%m-%dT%H:%M:%SZ')"


def _texts(*names: str) -> list[Derived]:
    """Columns that are the same text in both tables."""
    return [Derived(name.lower(), "VARCHAR", name, (name,), "") for name in names]


def _flag(name: str) -> Derived:
    return Derived(name.lower(), "VARCHAR", f"CAST({name} AS VARCHAR)", (name,), "")


_IDENTITY: Final = """struct_pack(
    type := identityType, principalid := principalId, arn := identityArn, accountid := identityAccountId,
    invokedby := invokedBy, accesskeyid := accessKeyId, username := userName,
    onbehalfof := from_json(onBehalfOf, '{"userId": "VARCHAR", "identityStoreArn": "VARCHAR"}'),
    sessioncontext := struct_pack(
        attributes := struct_pack(
            mfaauthenticated := CAST(mfaAuthenticated AS VARCHAR),
            creationdate := strftime(sessionCreationDate, '%Y-%m-%dT%H:%M:%SZ')),
        sessionissuer := struct_pack(
            type := issuerType, principalid := issuerPrincipalId, arn := issuerArn, accountid := issuerAccountId,
            username := issuerUserName),
        ec2roledelivery := ec2RoleDelivery,
        webidfederationdata := from_json(webIdFederationData,
            '{"federatedProvider": "VARCHAR", "attributes": "MAP(VARCHAR, VARCHAR)"}')))"""
_TLS: Final = """struct_pack(
    tlsversion := json_extract_string(tlsDetails, '$.tlsVersion'),
    ciphersuite := json_extract_string(tlsDetails, '$.cipherSuite'),
    clientprovidedhostheader := json_extract_string(tlsDetails, '$.clientProvidedHostHeader'))"""
_IDENTITY_NEEDS: Final = tuple(
    column.name
    for column in BY_NAME.values()
    if column.path[0] == "userIdentity"
    and column.path[-1] not in ("identityProvider", "credentialId", "inScopeOf", "sourceIdentity", "assumedRoot")
)
_RESOURCES: Final = """from_json(resources, '[{"ARN": "VARCHAR", "accountId": "VARCHAR", "type": "VARCHAR"}]')"""
COLUMNS: Final[tuple[Derived, ...]] = (
    *_texts("eventVersion"),
    Derived("useridentity", "STRUCT", _IDENTITY, _IDENTITY_NEEDS, ""),
    Derived("eventtime", "VARCHAR", _TIME.format("eventTime"), ("eventTime",), ""),
    *_texts("eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage"),
    *_texts("requestParameters", "responseElements", "additionalEventData", "requestID", "eventID"),
    _flag("readOnly"),
    Derived("resources", "STRUCT[]", _RESOURCES, ("resources",), ""),
    *_texts("eventType", "apiVersion", "recipientAccountId", "serviceEventDetails", "sharedEventID"),
    *_texts("vpcEndpointId", "vpcEndpointAccountId", "eventCategory"),
    _flag("sessionCredentialFromConsole"),
    *_texts("edgeDeviceDetails"),
    Derived("tlsdetails", "STRUCT", _TLS, ("tlsDetails",), ""),
    *(each for each in DERIVED if each.name in ("account", "region", "day")),
)
assert {name for each in COLUMNS for name in each.needs} <= set(BY_NAME)  # noqa: S101 - a slip of the pen
assert all(BY_NAME[name].kind is Kind.JSON for name in ("resources", "tlsDetails"))  # noqa: S101


def translated(sql: str, texts: Mapping[str, str] = MappingProxyType({})) -> str:
    """A query in Athena's SQL, in that of the embedded engine.

    :param texts: texts in the query, and those that take their places.
    :raises UsageError: it is not Athena's SQL.
    """
    # Only this needs it, and it takes longer to load than all else.
    import sqlglot  # noqa: PLC0415
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    try:
        statements = [each for each in sqlglot.parse(sql, read="athena") if each is not None]
        for literal in [each for statement in statements for each in statement.find_all(sqlglot.exp.Literal)]:
            if literal.is_string and literal.this in texts:
                literal.replace(sqlglot.exp.Literal.string(texts[literal.this]))
        return ";".join(statement.sql(dialect="duckdb") for statement in statements)
    except (SqlglotError, RecursionError) as error:
        raise UsageError(f"The query is not Athena's SQL: {error}") from error
