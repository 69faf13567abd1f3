"""The columns of an event: each field of CloudTrail's record, with its type and its place in the record.

The fields are those of record version 1.11 and of aggregated events.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aggregated-events.html

A record is lossless in its columns: ``nulls`` names the fields that are there and null, and ``rest`` has, as JSON, all
that fits no column: fields that CloudTrail did not have when this was written, values of another type than the column's
(the column then has their text, where it can), and empty objects. What ``rest`` says goes before what a column says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias


class Kind(Enum):
    """How a field is written in a record, and the column's type in SQL."""

    TEXT = "VARCHAR"
    JSON = "VARCHAR, JSON text"  # free-form: any value, as it stands in the file
    TIME = "TIMESTAMP"  # written as 2026-01-31T09:30:00Z
    FLAG = "BOOLEAN"  # written as true or false
    TEXT_FLAG = "BOOLEAN, written as text"  # written as "true" or "false"

    @property
    def sql_type(self) -> str:
        """The column's type in SQL."""
        return self.value.partition(",")[0]


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the record.

    :param path: the names that lead to it in the record.
    """

    name: str
    path: tuple[str, ...]
    kind: Kind
    meaning: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A column that is computed from others.

    :param sql: the expression, over the stored columns and those of ``files``.
    :param needs: the stored columns that it reads.
    """

    name: str
    sql_type: str
    sql: str
    needs: tuple[str, ...]
    meaning: str


def _column(path: str, kind: Kind, meaning: str, name: str = "") -> Column:
    parts = tuple(path.split("."))
    return Column(name or parts[-1], parts, kind, meaning)


_SESSION = "userIdentity.sessionContext"
_ISSUER = f"{_SESSION}.sessionIssuer"
COLUMNS: Final = (
    _column("eventTime", Kind.TIME, "when the call was completed, in UTC"),
    _column("eventSource", Kind.TEXT, "the service, such as s3.amazonaws.com"),
    _column("eventName", Kind.TEXT, "the call, such as GetObject"),
    _column("awsRegion", Kind.TEXT, "the region of the call"),
    _column("sourceIPAddress", Kind.TEXT, "the caller's address, or the service that called"),
    _column("userAgent", Kind.TEXT, "the program that called, as it names itself"),
    _column("errorCode", Kind.TEXT, "why the call failed; NULL if it did not"),
    _column("errorMessage", Kind.TEXT, "the error in words"),
    _column("requestParameters", Kind.JSON, "what was asked for"),
    _column("responseElements", Kind.JSON, "what was answered, of calls that change something"),
    _column("additionalEventData", Kind.JSON, "more about the call, such as MFAUsed of ConsoleLogin"),
    _column("userIdentity.type", Kind.TEXT, "IAMUser, AssumedRole, Root, AWSService …", "identityType"),
    _column("userIdentity.principalId", Kind.TEXT, "the caller's unique id, of a role with the session", "principalId"),
    _column("userIdentity.arn", Kind.TEXT, "the caller's ARN, of a role that of the session", "identityArn"),
    _column("userIdentity.accountId", Kind.TEXT, "the caller's account", "identityAccountId"),
    _column("userIdentity.accessKeyId", Kind.TEXT, "the access key that signed the call"),
    _column("userIdentity.userName", Kind.TEXT, "the user's name"),
    _column("userIdentity.invokedBy", Kind.TEXT, "the service that called for the caller"),
    _column("userIdentity.identityProvider", Kind.TEXT, "who vouched for a federated caller"),
    _column("userIdentity.credentialId", Kind.TEXT, "the bearer token's id"),
    _column("userIdentity.onBehalfOf", Kind.JSON, "the user of IAM Identity Center for whom the call was made"),
    _column("userIdentity.inScopeOf", Kind.JSON, "the resource that the credentials were issued to"),
    _column(f"{_SESSION}.attributes.mfaAuthenticated", Kind.TEXT_FLAG, "whether the session began with MFA"),
    _column(f"{_SESSION}.attributes.creationDate", Kind.TIME, "when the session began", "sessionCreationDate"),
    _column(f"{_ISSUER}.type", Kind.TEXT, "what issued the session's credentials: Role, Root, IAMUser", "issuerType"),
    _column(f"{_ISSUER}.principalId", Kind.TEXT, "its unique id", "issuerPrincipalId"),
    _column(f"{_ISSUER}.arn", Kind.TEXT, "its ARN: of a role's session the role's", "issuerArn"),
    _column(f"{_ISSUER}.accountId", Kind.TEXT, "its account", "issuerAccountId"),
    _column(f"{_ISSUER}.userName", Kind.TEXT, "its name", "issuerUserName"),
    _column(f"{_SESSION}.sourceIdentity", Kind.TEXT, "who began the chain of roles, if that was set"),
    _column(f"{_SESSION}.ec2RoleDelivery", Kind.TEXT, "1.0 or 2.0: the metadata service that handed out the key"),
    _column(f"{_SESSION}.assumedRoot", Kind.TEXT_FLAG, "whether this is a member account's root, by AssumeRoot"),
    _column(f"{_SESSION}.webIdFederationData", Kind.JSON, "who vouched for a caller with a web identity"),
    _column("resources", Kind.JSON, "the resources of the call: a list of ARN, accountId and type"),
    _column("readOnly", Kind.FLAG, "whether the call only reads"),
    _column("managementEvent", Kind.FLAG, "whether this is a management event"),
    _column("eventCategory", Kind.TEXT, "Management, Data, Insight, NetworkActivity, Aggregated"),
    _column("eventType", Kind.TEXT, "AwsApiCall, AwsConsoleSignIn, AwsServiceEvent …"),
    _column("eventVersion", Kind.TEXT, "the version of the record's format"),
    _column("eventID", Kind.TEXT, "the event's unique id"),
    _column("requestID", Kind.TEXT, "the service's id of the request"),
    _column("sharedEventID", Kind.TEXT, "the same in the events of all accounts that one call concerns"),
    _column("apiVersion", Kind.TEXT, "the version of the API"),
    _column("recipientAccountId", Kind.TEXT, "the account whose trail this is"),
    _column("serviceEventDetails", Kind.JSON, "what a service did, in AwsServiceEvent"),
    _column("vpcEndpointId", Kind.TEXT, "the VPC endpoint that the call went through"),
    _column("vpcEndpointAccountId", Kind.TEXT, "the endpoint's account"),
    _column("addendum", Kind.JSON, "why and what was delivered later"),
    _column("sessionCredentialFromConsole", Kind.TEXT_FLAG, "whether the call came from a session of the console"),
    _column("edgeDeviceDetails", Kind.JSON, "the edge device that was asked"),
    _column("eventContext", Kind.JSON, "tags of resources and keys of the request, if the trail adds them"),
    _column("tlsDetails", Kind.JSON, "tlsVersion, cipherSuite, clientProvidedHostHeader"),
    _column("insightDetails", Kind.JSON, "what was unusual, in Insights events"),
    _column("accountId", Kind.TEXT, "of aggregated events, the account", "aggregatedAccountId"),
    _column("eventId", Kind.TEXT, "of aggregated events, the event's unique id", "aggregatedEventId"),
    _column("timeWindow", Kind.JSON, "of aggregated events, the time that they sum up"),
    _column("summary", Kind.JSON, "of aggregated events, what they sum up"),
)
NULLS: Final = "nulls"
REST: Final = "rest"
OF_RECORD: Final[Mapping[str, str]] = {
    NULLS: "the fields that are there and null, such as responseElements; separated by commas",
    REST: "what fits no column, as JSON: unknown fields, values of another type, empty objects",
}
_ROLE = "CASE WHEN issuerType = 'Role' THEN issuerUserName END"
_SESSION_NAME = (
    "CASE WHEN identityType IN ('AssumedRole', 'FederatedUser') THEN nullif(split_part(principalId, ':', 2), '') END"
)
DERIVED: Final = (
    Derived(
        "principal",
        "VARCHAR",
        "coalesce(issuerArn, identityArn, invokedBy, principalId, identityAccountId)",
        ("issuerArn", "identityArn", "invokedBy", "principalId", "identityAccountId"),
        "who called: the role's ARN, else the user's, else the service or the account",
    ),
    Derived("role", "VARCHAR", _ROLE, ("issuerType", "issuerUserName"), "the role's name, of a role's session"),
    Derived(
        "sessionName",
        "VARCHAR",
        _SESSION_NAME,
        ("identityType", "principalId"),
        "the session's name, of an instance's role the instance id",
    ),
    Derived(
        "account",
        "VARCHAR",
        "coalesce(nullif(file_account, ''), recipientAccountId, aggregatedAccountId)",
        ("recipientAccountId", "aggregatedAccountId"),
        "the account whose log file this is from; of a file with another name, the record's recipientAccountId",
    ),
    Derived(
        "region",
        "VARCHAR",
        "coalesce(nullif(file_region, ''), awsRegion)",
        ("awsRegion",),
        "the region whose log file this is from; of a file with another name, the record's awsRegion",
    ),
    Derived(
        "day",
        "VARCHAR",
        "coalesce(nullif(file_day, ''), strftime(eventTime, '%Y/%m/%d'))",
        ("eventTime",),
        "the day on which the file was delivered, as 2026/01/31; of a file with another name, the event's",
    ),
    Derived("file", "VARCHAR", "file_name", (), "the log file"),
    Derived("position", "INTEGER", "record_position", (), "which record of the file it is, from 0"),
)

Tree: TypeAlias = "Mapping[str, Column | Tree]"


def _tree() -> Tree:
    """The columns by the names that lead to them."""
    top: dict[str, object] = {}
    for column in COLUMNS:
        at = top
        for name in column.path[:-1]:
            at = at.setdefault(name, {})  # type: ignore[assignment]
        at[column.path[-1]] = column
    return top  # type: ignore[return-value]


TREE: Final = _tree()
BY_NAME: Final[Mapping[str, Column]] = {column.name: column for column in COLUMNS}
STORED: Final = (*BY_NAME, NULLS, REST)
# In the texts of the other columns few values come again and again.
_MANY_VALUES: Final = frozenset(
    ("eventID", "requestID", "sharedEventID", "accessKeyId", "principalId", "identityArn", "sourceIPAddress")
)
REPEATED: Final = frozenset(
    column.name for column in COLUMNS if column.kind is Kind.TEXT and column.name not in _MANY_VALUES
)


def sql_type(stored: str) -> str:
    """The type in SQL of a stored column."""
    return BY_NAME[stored].kind.sql_type if stored in BY_NAME else "VARCHAR"


def as_markdown() -> str:
    """The table of ``docs/logs.md``."""
    rows = [("Column", "Type", "In the record", "What it is")]
    rows += [(each.name, each.kind.value, ".".join(each.path), each.meaning) for each in COLUMNS]
    rows += [(name, "VARCHAR", "", meaning) for name, meaning in OF_RECORD.items()]
    rows += [(each.name, each.sql_type, "computed", each.meaning) for each in DERIVED]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---|---|---|---|", *lines[1:]]) + "\n"
