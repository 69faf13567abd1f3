"""Where one of MiniStack's services reaches into another one, and why nothing happens there without permission."""

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest
from ministack import services
from ministack.services import apigateway_v1, athena, cloudwatch, lambda_svc, ses, sns, sqs

FOLDER = Path(services.__file__).parent
# They reach everywhere: tags need each service's own permission, and a stack its caller's.
EVERYWHERE = ("tagging", "cloudformation")
REFUSED = "what sets it up is refused (lab.services.unsupported)"
NO_CODE = "no code is run (lab.confinement)"
ASKED = "the receiver's policies are asked (lab.services.deliveries)"
EVENTBRIDGE = "the target's policies are asked (lab.services.eventbridge)"
ROLE = "the machine's role is asked (lab.services.state_machines)"
EVENTS = "its own events go to EventBridge, as in AWS without anybody's permission"
FACTS = "it looks up facts about what its caller names, and shows no content"
OWN = "both are one service to AWS, or it is its own part"
NOT_SERVED = "no request of a client reaches it (lab.server.routing)"
NO_ENGINE = "the engine or container that it is for is not there (lab.confinement)"
REASONS = {
    ("acm", "signer"): FACTS,
    ("alb", "lambda_svc"): NOT_SERVED,
    ("apigateway", "apigateway_v1"): OWN,
    ("apigateway", "lambda_svc"): NO_CODE,
    ("apigateway_v1", "apigateway"): OWN,
    ("apigateway_v1", "lambda_svc"): NO_CODE,
    ("apigateway_v1", "sqs"): "it is replaced (lab.services.deliveries)",
    ("appconfig", "cloudwatch"): FACTS,
    ("appsync", "appsync_events"): OWN,
    ("appsync", "dynamodb"): NOT_SERVED,
    ("appsync", "lambda_svc"): NO_CODE,
    ("appsync_events", "lambda_svc"): NO_CODE,
    ("athena", "glue"): "the catalogue, by statements that Athena's caller may make",
    ("athena", "s3"): "no engine reads, and results are not written (lab.ministack.execution)",
    ("athena", "s3tables"): NO_ENGINE,
    ("autoscaling", "cloudwatch"): "alarms of its own, as AWS's service-linked role makes them",
    ("bedrock_agent", "s3"): REFUSED,
    ("bedrock_agent_runtime", "bedrock_agent"): OWN,
    ("bedrock_runtime", "bedrock"): OWN,
    ("cloudfront", "alb"): NOT_SERVED,
    ("cloudfront", "app"): NOT_SERVED,
    ("cloudfront", "ec2"): FACTS,
    ("cloudfront", "lambda_svc"): NO_CODE,
    ("cloudfront", "s3"): NOT_SERVED,
    ("cloudfront_keyvaluestore", "cloudfront"): OWN,
    ("cloudwatch", "sns"): ASKED,
    ("cloudwatch_logs", "lambda_svc"): NO_CODE,
    ("codebuild", "cloudwatch_logs"): NO_ENGINE,
    ("codebuild", "lambda_svc"): NO_ENGINE,
    ("cognito", "lambda_svc"): NO_CODE,
    ("cognito", "ses"): "messages to people, which go nowhere",
    ("cognito", "sts"): "the role's trust policy is asked (lab.authorization.special_needs)",
    ("documentdb", "rds"): OWN,
    ("dsql", "app"): NO_ENGINE,
    ("dsql", "kinesis"): FACTS,
    ("dsql", "kms"): FACTS,
    ("dsql", "rds"): NO_ENGINE,
    ("dynamodb", "_dynamodb_keywords"): OWN,
    ("dynamodb", "cloudwatch_logs"): REFUSED,
    ("dynamodb", "kinesis"): REFUSED,
    ("dynamodb", "s3"): REFUSED,
    ("dynamodb_streams", "dynamodb"): OWN,
    ("ec2", "acm"): FACTS,
    ("ec2", "alb"): FACTS,
    ("ec2", "cloudwatch_logs"): FACTS,
    ("ec2", "firehose"): FACTS,
    ("ec2", "iam"): FACTS,
    ("ec2", "kms"): FACTS,
    ("ec2", "s3"): FACTS,
    ("ecs", "alb"): NO_ENGINE,
    ("ecs", "cloudwatch_logs"): NO_ENGINE,
    ("ecs", "ecs_metadata"): NO_ENGINE,
    ("ecs", "secretsmanager"): NO_ENGINE,
    ("ecs", "ssm"): NO_ENGINE,
    ("efs", "ec2"): FACTS,
    ("eks", "iam"): NO_ENGINE,
    ("elasticache", "ec2"): FACTS,
    ("eventbridge", "lambda_svc"): EVENTBRIDGE,
    ("eventbridge", "sns"): EVENTBRIDGE,
    ("eventbridge", "sqs"): EVENTBRIDGE,
    ("eventbridge", "stepfunctions"): EVENTBRIDGE,
    ("firehose", "athena"): REFUSED,
    ("firehose", "glue"): REFUSED,
    ("firehose", "lambda_svc"): REFUSED,
    ("firehose", "s3"): REFUSED,
    ("glue", "s3"): "a path that is not served (lab.server.routing), and jobs, which need an engine",
    ("glue", "s3tables"): "a path that is not served (lab.server.routing)",
    ("imds", "iam"): NOT_SERVED,
    ("iot", "acm"): FACTS,
    ("iot", "apigateway_v1"): OWN,
    ("iot", "app"): NO_ENGINE,
    ("iot", "dynamodb"): REFUSED,
    ("iot", "eventbridge"): OWN,
    ("iot", "iam"): FACTS,
    ("iot", "lambda_svc"): NO_CODE,
    ("iot", "s3"): REFUSED,
    ("iot", "sns"): REFUSED,
    ("iot", "sqs"): REFUSED,
    ("iot", "sts"): REFUSED,
    ("iot_data", "iot"): OWN,
    ("iot_jobs_data", "iot"): OWN,
    ("kinesis", "firehose"): REFUSED,
    ("kinesisanalyticsv2", "kinesisanalyticsv2_flink"): OWN,
    ("kinesisanalyticsv2", "s3"): FACTS,
    ("kinesisanalyticsv2_flink", "s3"): NO_ENGINE,
    ("lambda_durable", "lambda_svc"): NO_CODE,
    ("lambda_microvms", "s3"): NO_ENGINE,
    ("lambda_svc", "cloudwatch"): "metrics, as in AWS without anybody's permission",
    ("lambda_svc", "cloudwatch_logs"): NO_CODE,
    ("lambda_svc", "dynamodb"): "no mapping is polled (lab.services.deliveries)",
    ("lambda_svc", "ec2"): FACTS,
    ("lambda_svc", "kinesis"): "no mapping is polled (lab.services.deliveries)",
    ("lambda_svc", "lambda_durable"): NO_CODE,
    ("lambda_svc", "s3"): "the caller needs the object (lab.authorization.special_needs)",
    ("lambda_svc", "sns"): "nothing is sent for a function (lab.services.deliveries)",
    ("lambda_svc", "sqs"): "no mapping is polled, nothing is sent for a function (lab.services.deliveries)",
    ("mwaa", "s3"): NO_ENGINE,
    ("opensearchserverless", "opensearch"): NO_ENGINE,
    ("pipes", "dynamodb"): REFUSED,
    ("pipes", "sns"): REFUSED,
    ("pipes", "stepfunctions"): REFUSED,
    ("rds", "documentdb"): OWN,
    ("rds", "ec2"): FACTS,
    ("rds", "lambda_svc"): NO_ENGINE,
    ("rds", "rds_iam_plugin"): NO_ENGINE,
    ("rds", "rds_mysql_compat"): NO_ENGINE,
    ("rds", "secretsmanager"): REFUSED,
    ("rds_data", "rds"): OWN,
    ("rds_data", "secretsmanager"): NO_ENGINE,
    ("s3", "eventbridge"): EVENTS,
    ("s3", "lambda_svc"): NO_CODE,
    ("s3", "s3_object_lambda"): NO_CODE,
    ("s3", "sns"): ASKED,
    ("s3", "sqs"): ASKED,
    ("s3_object_lambda", "lambda_svc"): NO_CODE,
    ("s3_object_lambda", "s3"): NO_CODE,
    ("s3tables", "glue"): NOT_SERVED,
    ("s3tables", "s3"): REFUSED,
    ("scheduler", "eventbridge"): REFUSED,
    ("secretsmanager", "eventbridge"): EVENTS,
    ("servicediscovery", "route53"): OWN,
    ("ses", "ses_v2"): OWN,
    ("ses", "sns"): ASKED,
    ("ses_v2", "ses"): OWN,
    ("signer", "acm"): FACTS,
    ("signer", "s3"): REFUSED,
    ("sns", "lambda_svc"): NO_CODE,
    ("sns", "sqs"): ASKED,
    ("ssm", "ec2"): FACTS,
    ("stepfunctions", "app"): ROLE,
    ("stepfunctions", "dynamodb"): ROLE,
    ("stepfunctions", "ecs"): ROLE,
    ("stepfunctions", "eventbridge"): EVENTS,
    ("stepfunctions", "lambda_svc"): NO_CODE,
    ("stepfunctions", "s3"): ROLE,
    ("stepfunctions", "sns"): ROLE,
    ("stepfunctions", "sqs"): ROLE,
    ("sts", "cognito"): FACTS,
    ("sts", "iam"): FACTS,
    ("transcribe", "eventbridge"): REFUSED,
    ("transcribe", "s3"): REFUSED,
    ("transfer", "s3"): NO_ENGINE,
    ("translate", "eventbridge"): REFUSED,
    ("translate", "s3"): REFUSED,
}


def imported(file: Path) -> set[str]:
    """The modules of services, and the one of them all, that a module imports, at its top or in a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module == "ministack.services":
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack.services."):
            found.add(str(node.module).split(".")[2])
        elif isinstance(node, ast.ImportFrom) and node.module == "ministack":
            found |= {each.name for each in node.names if each.name == "app"}
        elif isinstance(node, ast.Import):
            parts = (each.name.split(".") for each in node.names)
            found |= {each[2] for each in parts if each[:2] == ["ministack", "services"] and len(each) > 2}
    return found


@pytest.mark.slow
def test_wherever_a_service_reaches_another_one_it_is_known_why_it_may() -> None:
    found = {
        (file.stem, other)
        for file in FOLDER.glob("*.py")
        if file.stem not in EVERYWHERE
        for other in imported(file) - {file.stem}
    }

    assert sorted(found - REASONS.keys()) == []
    assert sorted(REASONS.keys() - found) == []


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (sqs.queue_policy_allows, ["queue_arn", "service", "source_arn", "source_account"]),
        (sns.topic_policy_allows, ["topic_arn", "service", "source_arn", "source_account"]),
        (cloudwatch._dispatch_alarm_actions, ["alarm", "old_state", "new_state", "reason"]),
        (cloudwatch._is_sns_action_arn, ["action"]),
        (ses._publish_notification, ["topic_arn", "payload"]),
        (lambda_svc._ensure_poller, []),
        (lambda_svc._route_async_failure, ["target_arn", "func_name", "event", "result"]),
        (athena._save_query_results, ["query_id"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_function_that_is_replaced_takes_what_its_replacement_takes(function: Any, expected: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == expected


def test_what_sends_to_a_queue_for_api_gateway_is_a_coroutine() -> None:
    assert inspect.iscoroutinefunction(apigateway_v1._invoke_sqs_v1)
