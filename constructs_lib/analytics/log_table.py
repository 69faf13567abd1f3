"""The Glue table over the log files: the columns of a CloudTrail record, and the location of each day's files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_glue as glue

# https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html
_USER_IDENTITY: Final = (
    "struct<type:string,principalid:string,arn:string,accountid:string,invokedby:string,accesskeyid:string,"
    "username:string,onbehalfof:struct<userid:string,identitystorearn:string>,"
    "sessioncontext:struct<attributes:struct<mfaauthenticated:string,creationdate:string>,"
    "sessionissuer:struct<type:string,principalid:string,arn:string,accountid:string,username:string>,"
    "ec2roledelivery:string,webidfederationdata:struct<federatedprovider:string,attributes:map<string,string>>>>"
)
_COLUMNS: Final = {
    "eventversion": "string",
    "useridentity": _USER_IDENTITY,
    "eventtime": "string",
    "eventsource": "string",
    "eventname": "string",
    "awsregion": "string",
    "sourceipaddress": "string",
    "useragent": "string",
    "errorcode": "string",
    "errormessage": "string",
    "requestparameters": "string",
    "responseelements": "string",
    "additionaleventdata": "string",
    "requestid": "string",
    "eventid": "string",
    "readonly": "string",
    "resources": "array<struct<arn:string,accountid:string,type:string>>",
    "eventtype": "string",
    "apiversion": "string",
    "recipientaccountid": "string",
    "serviceeventdetails": "string",
    "sharedeventid": "string",
    "vpcendpointid": "string",
    "vpcendpointaccountid": "string",
    "eventcategory": "string",
    "sessioncredentialfromconsole": "string",
    "edgedevicedetails": "string",
    "tlsdetails": "struct<tlsversion:string,ciphersuite:string,clientprovidedhostheader:string>",
}
_PARTITIONS: Final = ("account", "region", "day")


def table_input(
    *,
    name: str,
    folder: str,
    accounts: Sequence[str],
    regions: Sequence[str],
    first_day: str,
) -> glue.CfnTable.TableInputProperty:
    """A table whose partitions are computed, not stored: no crawler, no ``MSCK REPAIR``, no partition to add.

    https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html

    :param folder: the ``s3://`` URL above the accounts' folders, without a slash at the end.
    :param accounts: the accounts whose files are there. Without any, a query must name its account: the accounts of an
        organization change.
    :param regions: the regions that a query without a region covers.
    :param first_day: the oldest day that a query without a day covers, ``yyyy/MM/dd`` or relative to ``NOW``.
    """
    columns = glue.CfnTable.ColumnProperty
    account = (
        {"projection.account.type": "enum", "projection.account.values": ",".join(accounts)}
        if accounts
        else {"projection.account.type": "injected"}
    )
    return glue.CfnTable.TableInputProperty(
        name=name,
        description="CloudTrail log files, partitioned by account, region and day",
        table_type="EXTERNAL_TABLE",
        partition_keys=[columns(name=partition, type="string") for partition in _PARTITIONS],
        parameters={
            "classification": "cloudtrail",
            "projection.enabled": "true",
            **account,
            "projection.region.type": "enum",
            "projection.region.values": ",".join(regions),
            "projection.day.type": "date",
            "projection.day.format": "yyyy/MM/dd",
            "projection.day.interval": "1",
            "projection.day.interval.unit": "DAYS",
            "projection.day.range": f"{first_day},NOW",
            "storage.location.template": f"{folder}/${{account}}/CloudTrail/${{region}}/${{day}}",
        },
        storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
            location=f"{folder}/",
            columns=[columns(name=column, type=type_) for column, type_ in _COLUMNS.items()],
            input_format="com.amazon.emr.cloudtrail.CloudTrailInputFormat",
            output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            serde_info=glue.CfnTable.SerdeInfoProperty(serialization_library="org.apache.hive.hcatalog.data.JsonSerDe"),
        ),
    )
