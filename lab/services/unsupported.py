"""What the lab lacks answers with an error in its own protocol, not with something that looks like AWS.

These are whole services, and operations after which a service would act by itself, for a role or for its caller, where
no policy could stop it and no record would tell. Lists of what nobody can make here are empty, as in a new account.
"""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from lab.ministack import core
from lab.ministack.core import ServiceHandler
from lab.protocol import catalogue
from lab.protocol.answer import Answer, error_answer
from lab.protocol.decode import Call, decode
from lab.protocol.request import Request

_BATCHES = "Reading documents from S3 and writing others there"
_BY_RULE = "Acting on messages by a rule"
_JOBS = "Reading a job's document from S3, and URLs that a role signs,"
_PASSWORDS = "Keeping a database's password in Secrets Manager"
_SCHEDULES = "Invoking a target on a schedule"
_CHANGES = "Sending the changes of a table to a stream of Kinesis"
# What services would do by themselves, by the operations that set it up.
_ACTS = {
    ("bedrock-agent", "StartIngestionJob"): "Reading the data source of a knowledge base",
    ("dynamodb", "EnableKinesisStreamingDestination"): _CHANGES,
    ("dynamodb", "ExportTableToPointInTime"): "Exporting a table to S3",
    ("dynamodb", "ImportTable"): "Importing a table from S3",
    ("firehose", "CreateDeliveryStream"): "Delivering a stream's records",
    ("iot", "CreateProvisioningTemplate"): "Provisioning things by a role",
    ("iot", "CreateTopicRule"): _BY_RULE,
    ("iot", "ReplaceTopicRule"): _BY_RULE,
    ("pipes", "CreatePipe"): "Sending on what a pipe reads",
    # MiniStack keeps its tables in a bucket of S3 of the same name, which it also removes.
    ("s3tables", "CreateTableBucket"): "A bucket for tables",
    ("scheduler", "CreateSchedule"): _SCHEDULES,
    ("scheduler", "UpdateSchedule"): _SCHEDULES,
    ("signer", "StartSigningJob"): "Signing an object of S3",
    ("transcribe", "StartCallAnalyticsJob"): _BATCHES,
    ("transcribe", "StartMedicalScribeJob"): _BATCHES,
    ("transcribe", "StartMedicalTranscriptionJob"): _BATCHES,
    ("transcribe", "StartTranscriptionJob"): _BATCHES,
    ("translate", "StartTextTranslationJob"): _BATCHES,
}
# Lists of what cannot be made in the lab: AWS answers them in every account.
_NONE = {
    ("cloudtrail", "ListEventDataStores"): '{"EventDataStores": []}',
    ("logs", "DescribeAccountPolicies"): '{"accountPolicies": []}',
    ("s3control", "ListAccessGrantsInstances"): (
        "<ListAccessGrantsInstancesResult><AccessGrantsInstancesList/></ListAccessGrantsInstancesResult>"
    ),
}
# What acts by a parameter, whatever the operation.
_PARAMETERS = {
    ("docdb", "ManageMasterUserPassword"): _PASSWORDS,
    ("iot", "documentSource"): _JOBS,
    ("iot", "presignedUrlConfig"): _JOBS,
    ("neptune", "ManageMasterUserPassword"): _PASSWORDS,
    ("rds", "ManageMasterUserPassword"): _PASSWORDS,
}
# And by a type of resources, or a property of it.
ACTING_TYPES = {
    "AWS::DynamoDB::GlobalTable": (_CHANGES, "KinesisStreamSpecification"),
    "AWS::DynamoDB::Table": (_CHANGES, "KinesisStreamSpecification"),
    "AWS::IoT::JobTemplate": (_JOBS, ""),
    "AWS::IoT::ProvisioningTemplate": (_ACTS["iot", "CreateProvisioningTemplate"], ""),
    "AWS::IoT::TopicRule": (_BY_RULE, ""),
    "AWS::KinesisFirehose::DeliveryStream": (_ACTS["firehose", "CreateDeliveryStream"], ""),
    "AWS::Pipes::Pipe": (_ACTS["pipes", "CreatePipe"], ""),
    "AWS::RDS::DBCluster": (_PASSWORDS, "ManageMasterUserPassword"),
    "AWS::RDS::DBInstance": (_PASSWORDS, "ManageMasterUserPassword"),
    "AWS::S3Tables::TableBucket": (_ACTS["s3tables", "CreateTableBucket"], ""),
    "AWS::Scheduler::Schedule": (_SCHEDULES, ""),
}


def install() -> None:
    """Registers an answer for every service that botocore knows and MiniStack does not."""
    names = {name for each in catalogue.services() for name in (each.signing_name, each.name)}
    core.set_known_service_names(frozenset(names))
    for name in names:
        core.service_handlers.setdefault(name, _unsupported(name))


def act_error(call: Call) -> Answer | None:
    """The error for a call after which a service would act by itself; None for any other."""
    what = _ACTS.get((call.service, call.operation.name))
    if what is None and call.service in _WITH_PARAMETERS:
        given = call.parameters or {}
        what = next((each for key, each in _PARAMETERS.items() if key[0] == call.service and given.get(key[1])), None)
    return error_answer(call.service, call.protocol, 501, "ServiceNotAvailable", _message(what)) if what else None


_WITH_PARAMETERS = frozenset(service for service, _ in _PARAMETERS)


def empty_list(call: Call) -> Answer | None:
    """The answer to a call that lists what nobody can make in the lab; None for any other."""
    content = _NONE.get((call.service, call.operation.name))
    if content is None:
        return None
    form = "text/xml" if content.startswith("<") else "application/x-amz-json-1.1"
    return 200, {"Content-Type": form, "x-amzn-requestid": str(uuid.uuid4())}, content.encode()


def require_no_act(resource_type: str, properties: Mapping[str, Any]) -> None:
    """Makes sure that no service would act by itself because of a resource of one of `ACTING_TYPES`.

    :raises ValueError: one would.
    """
    what, property_name = ACTING_TYPES[resource_type]
    if not property_name or properties.get(property_name):
        raise ValueError(_message(what))


def _message(what: str) -> str:
    return f"{what} is not part of the lab. Use an AWS account to try it."


def _unsupported(service: str) -> ServiceHandler:
    async def answer(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        call = decode(Request(method, path, urlencode(query, doseq=True), headers, body))
        return unsupported_service_error(service, call.protocol if call else "rest-json")

    return answer


def unsupported_service_error(service: str, protocol: str) -> Answer:
    """The error that says that a service is not part of the lab."""
    message = f"{service} is not part of the lab. Use an AWS account to try it."
    return error_answer(service, protocol, 501, "ServiceNotAvailable", message)
