"""Named queries to start an investigation with, in Athena's SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A saved query.

    :param name: its construct id, and its name in the console.
    :param description: the question that the query answers.
    :param select: the columns.
    :param where: the condition, beside the last seven days.
    :param rest: grouping and order.
    """

    name: str
    description: str
    select: str
    where: str
    rest: str = "ORDER BY eventtime DESC LIMIT 200"

    def sql(self, table: str, account: str | None) -> str:
        """The statement over this table.

        :param account: the account to query, where the table does not list its accounts.
        """
        of_account = "" if account is None else f"  AND account = '{account}' -- or another account\n"
        return (
            f"SELECT {self.select}\nFROM {table}\n"
            "WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')\n"
            f"{of_account}  AND {self.where}\n{self.rest}"
        )


_WHO: Final = "eventtime, useridentity.arn AS who, eventname, sourceipaddress"

NAMED_QUERIES: Final = (
    NamedQuery(
        "WhoTouchedTheTrail",
        "Who stopped, changed or deleted a trail, or what it records, or tried to?",
        f"{_WHO}, errorcode, requestparameters",
        "eventsource = 'cloudtrail.amazonaws.com' AND eventname IN ('StopLogging', 'DeleteTrail', 'UpdateTrail', "
        "'PutEventSelectors', 'PutInsightSelectors')",
    ),
    NamedQuery(
        "RootUser",
        "What did the root user do?",
        f"{_WHO}, awsregion",
        "useridentity.type = 'Root' AND useridentity.invokedby IS NULL AND eventtype <> 'AwsServiceEvent'",
    ),
    NamedQuery(
        "ConsoleSignInsWithoutMfa",
        "Who signed in to the console without a second factor?",
        f"{_WHO}, useridentity.type AS identity_type",
        "eventname = 'ConsoleLogin' AND json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Success' "
        # Only these have MFA in AWS; federated users have it at their identity provider.
        "AND useridentity.type IN ('IAMUser', 'Root') "
        "AND coalesce(json_extract_scalar(additionaleventdata, '$.MFAUsed'), 'No') <> 'Yes'",
    ),
    NamedQuery(
        "DeniedCalls",
        "Who tries what they may not?",
        "useridentity.arn AS who, eventsource, eventname, count(*) AS attempts",
        "(errorcode LIKE 'AccessDenied%' OR errorcode LIKE '%UnauthorizedOperation')",
        "GROUP BY useridentity.arn, eventsource, eventname ORDER BY attempts DESC LIMIT 100",
    ),
    NamedQuery(
        "NewAccessKeysAndUsers",
        "Who made new credentials, users or roles, or gave them a policy?",
        f"{_WHO}, requestparameters",
        "eventsource = 'iam.amazonaws.com' AND eventname IN ('CreateAccessKey', 'CreateUser', 'CreateRole', "
        "'CreateLoginProfile', 'AttachUserPolicy', 'AttachRolePolicy') AND errorcode IS NULL",
    ),
    NamedQuery(
        "DeletedResources",
        "What was deleted, and by whom?",
        f"{_WHO}, eventsource, requestparameters",
        "(eventname LIKE 'Delete%' OR eventname LIKE 'Terminate%') AND errorcode IS NULL",
    ),
)
