"""Athena over the log files: a Glue table, a workgroup with a scan limit, named queries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import region_info
from constructs import Construct

from constructs_lib.analytics.log_table import table_input
from constructs_lib.analytics.named_queries import NAMED_QUERIES
from constructs_lib.compliance.acknowledgements import acknowledge_no_replica
from constructs_lib.storage.buckets import AccessLogging, Retention, create_bucket

_TABLE = "cloudtrail_logs"
_MEBIBYTE = 1024 * 1024
_QUERY_ACTIONS = [
    "athena:BatchGetNamedQuery",
    "athena:GetNamedQuery",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetWorkGroup",
    "athena:ListNamedQueries",
    "athena:ListQueryExecutions",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
]
_CATALOG_ACTIONS = ["glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]


class LogAnalytics(Construct):
    """Athena over the log files of one trail. :class:`SecureTrail` makes it for ``analytics``.

    :param key: encrypts the results of queries.
    :param log_bucket: the bucket with the log files.
    :param folder: the path in the bucket above the accounts' folders, such as ``AWSLogs``.
    :param accounts: the accounts whose files are there; none for an organization, whose accounts change.
    :param account: the account that the named queries read, where there is no list of accounts.
    :param regions: the regions that queries cover. Default: - every region that CDK knows in the stack's partition.
    :param first_day: the oldest day that queries cover, ``yyyy/MM/dd`` or relative to ``NOW``.
    :param scan_limit_mebibytes: a query that reads more is stopped; 10 or more.
    :param access_logging: where S3 logs requests to the results.
    :param removal_policy: what becomes of the results when the construct is removed.
    """

    def __init__(  # noqa: PLR0913 (a construct's props)
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        log_bucket: s3.IBucket,
        folder: str,
        accounts: Sequence[str],
        account: str,
        regions: Sequence[str] | None,
        first_day: str,
        scan_limit_mebibytes: int,
        access_logging: AccessLogging,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        name = cdk.Names.unique_resource_name(self, max_length=100, separator="_", allowed_special_characters="_")
        self.database_name, self.table_name, self.workgroup_name = name.lower(), _TABLE, name
        self._key = key
        self.result_bucket = create_bucket(
            self,
            "Results",
            key=key,
            access_logging=access_logging,
            retention=Retention(expiration=cdk.Duration.days(30), noncurrent_version_expiration=cdk.Duration.days(1)),
            removal_policy=removal_policy,
        )
        acknowledge_no_replica(
            self.result_bucket,
            "Query results can be computed again from the log files, and are deleted after 30 days.",
        )
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=stack.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database_name, description="CloudTrail log files"
            ),
        )
        table = glue.CfnTable(
            self,
            "Table",
            catalog_id=stack.account,
            database_name=database.ref,
            table_input=table_input(
                name=_TABLE,
                folder=f"s3://{log_bucket.bucket_name}/{folder}",
                accounts=accounts,
                regions=_regions(stack) if regions is None else regions,
                first_day=first_day,
            ),
        )
        workgroup = athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=name,
            description="Questions to CloudTrail's log files",
            recursive_delete_option=removal_policy is cdk.RemovalPolicy.DESTROY,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                bytes_scanned_cutoff_per_query=scan_limit_mebibytes * _MEBIBYTE,
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{self.result_bucket.bucket_name}/",
                    expected_bucket_owner=stack.account,
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=key.key_arn
                    ),
                ),
            ),
        )
        for query in NAMED_QUERIES:
            athena.CfnNamedQuery(
                self,
                query.name,
                name=query.name,
                description=query.description,
                database=self.database_name,
                work_group=name,
                query_string=query.sql(_TABLE, None if accounts else account),
            ).node.add_dependency(workgroup, table)

    def grant_query(self, grantee: iam.IGrantable) -> None:
        """Let the grantee run queries and read their results; reading the log files is a grant of its own.

        https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html and
        https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        """
        arn, results = cdk.Stack.of(self).format_arn, self.result_bucket.bucket_arn
        catalog = [
            arn(service="glue", resource="catalog"),
            arn(service="glue", resource="database", resource_name=self.database_name),
            arn(service="glue", resource="table", resource_name=f"{self.database_name}/{self.table_name}"),
        ]
        workgroup = arn(service="athena", resource="workgroup", resource_name=self.workgroup_name)
        grant = partial(iam.Grant.add_to_principal, grantee=grantee)
        grant(actions=_QUERY_ACTIONS, resource_arns=[workgroup])
        grant(actions=_CATALOG_ACTIONS, resource_arns=catalog)
        grant(actions=["s3:GetBucketLocation", "s3:ListBucket"], resource_arns=[results])
        grant(actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], resource_arns=[f"{results}/*"])
        grant(
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resource_arns=[self._key.key_arn],
            conditions={"StringLike": {"kms:EncryptionContext:aws:s3:arn": [results, f"{results}/*"]}},
        )


def _regions(stack: cdk.Stack) -> list[str]:
    """Every region that CDK knows in the stack's partition; of all partitions where the stack's is not known yet."""
    known = region_info.RegionInfo.regions
    partition = None if cdk.Token.is_unresolved(stack.region) else region_info.RegionInfo.get(stack.region).partition
    return sorted(region.name for region in known if partition is None or region.partition == partition)
