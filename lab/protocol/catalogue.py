"""The services botocore knows, found by the names that a request carries."""

import gzip
import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

_HEAD_BYTES = 4096
# Beside those of SQS, whose model has forgotten it.
_FORM_PROTOCOLS = frozenset({"ec2", "query"})
_MANY_NAMES = 4096  # more than a lab's users call, while what is asked for can be any text

# Services with one endpoint for the whole partition, by botocore's name: their Region is that endpoint's, whichever
# one a client is set to. https://docs.aws.amazon.com/general/latest/gr/rande.html#global-endpoints
_GLOBAL = dict.fromkeys(
    [
        "account",
        "artifact",
        "bcm-dashboards",
        "bcm-data-exports",
        "bcm-pricing-calculator",
        "bcm-recommended-actions",
        "billing",
        "billingconductor",
        "budgets",
        "ce",
        "chime",
        "cloudfront",
        "freetier",
        "health",
        "iam",
        "importexport",
        "invoicing",
        "notificationscontacts",
        "organizations",
        "pricing-plan-manager",
        "route53",
        "savingsplans",
        "shield",
        "support",
        "taxsettings",
        "waf",
    ],
    "us-east-1",
) | dict.fromkeys(["networkmanager", "route53-recovery-control-config"], "us-west-2")

# A loader of our own: clients rewrite the models they share with the default one. A user's own models stay out.
_loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


@dataclass(frozen=True, slots=True)
class Service:
    """One service model of botocore, by the names that appear in requests. Calls of those with `has_forms` may be HTML
    forms.
    """

    name: str
    signing_name: str
    endpoint_prefix: str
    target_prefix: str
    api_version: str
    has_forms: bool


@cache
def services() -> tuple[Service, ...]:
    """Every service of the installed botocore. Reads only the head of each model: 400 whole models take seconds."""
    return tuple(_service(name) for name in sorted(_loader.list_available_services("service-2")))


@cache
def service_model(name: str) -> ServiceModel:
    """The model of one service, loaded once.

    :raises botocore.exceptions.UnknownServiceError: there is no such service.
    """
    return ServiceModel(_loader.load_service_model(name, "service-2"), name)


@lru_cache(maxsize=_MANY_NAMES)
def operation_model(service: str, name: str) -> OperationModel | None:
    """The model of one operation; None when the service has no such operation."""
    model = service_model(service)
    return model.operation_model(name) if name in model.operation_names else None


@cache
def protocol(service: str) -> str:
    """The protocol of a service by the name that its model gives it, such as `rest-xml`."""
    return str(service_model(service).metadata.get("protocol", ""))


@lru_cache(maxsize=512)  # also asked for names that no service has
def by_signing_name(signing_name: str) -> tuple[Service, ...]:
    """The services that sign with this name; the one of the same name first (`s3` also signs for `s3control`)."""
    found = [each for each in services() if each.signing_name == signing_name]
    return tuple(sorted(found, key=lambda each: each.name != signing_name))


def home_region(name: str) -> str:
    """The Region of a service (botocore's name) that has one endpoint for all; '' for the others."""
    return _GLOBAL.get(name, "")


@lru_cache(maxsize=_MANY_NAMES)
def by_target_prefix(target_prefix: str) -> tuple[Service, ...]:
    """The services whose operations are called with this prefix in X-Amz-Target or in a CBOR path; some SDKs leave out
    the namespace of `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101`.
    """
    if not target_prefix:
        return ()
    return tuple(
        each for each in services() if target_prefix in (each.target_prefix, each.target_prefix.rpartition(".")[2])
    )


def _service(name: str) -> Service:
    metadata = _metadata(name)
    prefix = metadata["endpointPrefix"]
    return Service(
        name=name,
        signing_name=metadata.get("signingName", prefix),
        endpoint_prefix=prefix,
        target_prefix=metadata.get("targetPrefix", ""),
        api_version=metadata["apiVersion"],
        has_forms=name == "sqs" or bool(_FORM_PROTOCOLS & {metadata["protocol"], *metadata.get("protocols", ())}),
    )


def _metadata(name: str) -> dict[str, Any]:
    version = _loader.determine_latest_version(name, "service-2")
    for folder in _loader.search_paths:
        path = Path(folder, name, version, "service-2.json.gz")
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as file:
                head = file.read(_HEAD_BYTES)
            found: dict[str, Any] = json.JSONDecoder().raw_decode(head, head.index("{", head.index('"metadata"')))[0]
            return found
    return dict(service_model(name).metadata)
