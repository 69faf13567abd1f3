"""A cloud assembly, as ``cdk synth`` writes it → its templates, those of Stages and nested stacks included.

https://docs.aws.amazon.com/cdk/v2/guide/deploy.html#deploy-how-synth-app (cloud assembly)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from securetrail.review.template.model import Id, Template

_UNKNOWN = ("unknown-account", "unknown-region")
_STATE_MACHINE, _PLACE = "AWS::StepFunctions::StateMachine", "DefinitionS3Location"
# What the CDK CLI takes to deploy a stack, and where it puts the stack's files, its template among them.
_ROLES = {
    "assumeRoleArn": "the role that deploys",
    "cloudFormationExecutionRoleArn": "the role of CloudFormation",
}
_DESTINATIONS = {
    "assumeRoleArn": "the role that uploads",
    "bucketName": "the bucket of its files",
    "repositoryName": "the repository of its images",
}
_FUNCTION, _RETENTION = "AWS::Lambda::Function", "Custom::LogRetention"
# In the metadata of a function: whether its code is CDK's own, which sets retentions of log groups and nothing else.
SETS_RETENTIONS = "securetrail:sets-retentions"
# SHA-256 of index.js as releases of aws-cdk-lib have it (custom-resource-handlers/dist/aws-logs/log-retention-handler):
# 2.275.0. Of any other code nobody knows what it does.
_CODE_THAT_SETS_RETENTIONS = {"657245e15f1cad37ae2bb71ae890018748569e945a44d29457d73262c0690fd7"}
# Deeper than Stages or nested stacks are ever put into each other; an assembly that contains itself ends here.
_DEEPEST = 20


class AssemblyError(ValueError):
    """The folder is not a cloud assembly, or a file in it is not what the manifest says."""


def read_assembly(folder: Path) -> tuple[Template, ...]:
    """The templates of a cloud assembly, sorted by stack.

    :raises AssemblyError: with the name of the file that is missing or cannot be read.
    """
    return tuple(sorted(_assembly(folder, 0), key=lambda template: template.stack))


def _assembly(folder: Path, depth: int) -> Iterator[Template]:
    artifacts = _read(folder / "manifest.json").get("artifacts", {})
    if depth > _DEEPEST or not isinstance(artifacts, dict):
        raise AssemblyError(
            f"{folder / 'manifest.json'} is not the manifest of a cloud assembly. Fix: synthesize again"
        )
    for name, artifact in artifacts.items():
        properties = artifact.get("properties") or {}
        if artifact.get("type") == "cdk:cloud-assembly":
            yield from _assembly(folder / properties["directoryName"], depth + 1)
        elif artifact.get("type") == "aws:cloudformation:stack":
            # The display name is the construct's path, that of the Stage included.
            stack = str(artifact.get("displayName") or name)
            account, region = _environment(str(artifact.get("environment", "")))
            file = str(properties["templateFile"])
            url = properties.get("stackTemplateAssetObjectUrl")
            uploaded = file if url is None else _asset(folder, url)
            shown = _read(folder / file)
            if uploaded is None or (uploaded != file and _read(folder / uploaded) != shown):
                raise AssemblyError(
                    f"{folder / 'manifest.json'} shows {file} as the template of the stack {stack}, and the deployment "
                    f"takes {uploaded or 'one that is not in the assembly'}. Fix: synthesize again"
                )
            body = _with_definitions(folder, shown)
            by = tuple(_deployed_by(folder, name, properties, account, region))
            told = frozenset(map(str, properties.get("notificationArns") or ()))
            template = Template(
                stack,
                body,
                account,
                region,
                name=_name(artifact, name),
                deployed_by=by,
                told=told,
                tags=_tags(folder, artifact),
            )
            yield from _with_nested(folder, template, _by_parameters(folder, artifact), depth)


def _by_parameters(folder: Path, artifact: Mapping[str, Any]) -> Mapping[str, str]:
    """The beginning of the names of the parameters that say where an asset was uploaded → the asset's file.

    Older synthesizers tell a template so where its assets are; those of nested stacks are told as the outer stack's.
    """
    return {
        f"AssetParameters{each['id']}": str(each["path"])
        for each in _metadata(folder, artifact, "aws:cdk:asset")
        if str(each.get("s3KeyParameter")).startswith(f"AssetParameters{each['id']}")
    }


def _tags(folder: Path, artifact: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The tags of a whole stack; no template has them."""
    given = (artifact.get("properties") or {}).get("tags")
    if given is None:
        told = _metadata(folder, artifact, "aws:cdk:stack-tags")
        given = {
            each.get("Key", each.get("key")): each.get("Value", each.get("value")) for tags in told for each in tags
        }
    return tuple(sorted((str(key), str(value)) for key, value in given.items()))


def _metadata(folder: Path, artifact: Mapping[str, Any], kind: str) -> Iterator[Any]:
    """What the synth says of a stack's constructs, of one kind."""
    file = artifact.get("additionalMetadataFile")
    metadata = _read(folder / file) if file and (folder / file).is_file() else artifact.get("metadata") or {}
    yield from (each["data"] for entries in metadata.values() for each in entries if each["type"] == kind)


def _deployed_by(
    folder: Path, name: str, properties: Mapping[str, Any], account: str, region: str
) -> Iterator[tuple[str, str]]:
    """The roles and buckets that the CDK CLI uses for a stack, which its template does not have."""
    found = [(words, str(properties[key])) for key, words in _ROLES.items() if properties.get(key)]
    manifest = folder / f"{name}.assets.json"
    assets = _read(manifest) if manifest.is_file() else {}
    for kind in ("files", "dockerImages"):
        for asset in (assets.get(kind) or {}).values():
            for to in (asset.get("destinations") or {}).values():
                found += [(words, str(to[key])) for key, words in _DESTINATIONS.items() if to.get(key)]
    for words, value in dict.fromkeys(found):
        text = value.replace(account, "${AWS::AccountId}") if account else value
        yield words, text.replace(region, "${AWS::Region}") if region else text


def _with_nested(folder: Path, template: Template, parameters: Mapping[str, str], depth: int) -> Iterator[Template]:
    """The template and those of the stacks nested in it.

    :param parameters: of :func:`_by_parameters`.
    """
    yield template
    if depth > _DEEPEST:
        raise AssemblyError(f"stack {template.stack}: stacks are nested deeper than {_DEEPEST}")
    for logical_id, resource in (template.body.get("Resources") or {}).items():
        # A loop that makes resources is a list.
        is_stack = isinstance(resource, dict) and resource.get("Type") == "AWS::CloudFormation::Stack"
        path = _nested(folder, resource, parameters) if is_stack else None
        if path:
            yield from _with_nested(
                folder,
                Template(
                    stack=f"{template.stack}/{logical_id}",
                    body=_with_definitions(folder, _read(folder / path)),
                    account=template.account,
                    region=template.region,
                    parent=Id(template.stack, logical_id),
                    tags=template.tags,
                ),
                parameters,
                depth + 1,
            )


def _nested(folder: Path, resource: Mapping[str, Any], parameters: Mapping[str, str]) -> str | None:
    """The file of a nested stack's template: the one that its URL leads to.

    What its metadata says of it is no evidence: CloudFormation deploys what is behind the URL.

    :param parameters: of :func:`_by_parameters`.
    :returns: None when the template is no asset of the assembly.
    """
    url = (resource.get("Properties") or {}).get("TemplateURL", "")
    text = json.dumps(url)
    told = {path for name, path in parameters.items() if name in text}
    return _asset(folder, url) or (told.pop() if len(told) == 1 else None)


def _with_definitions(folder: Path, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The template; a definition of a state machine that is a file of the assembly stands in it as text."""
    resources = body.get("Resources")
    found = dict(resources) if isinstance(resources, dict) else {}
    for logical_id, resource in found.items():
        if not isinstance(resource, dict) or resource.get("Type") != _STATE_MACHINE:
            continue
        properties = resource.get("Properties") or {}
        path = _asset(folder, properties[_PLACE]) if _PLACE in properties else None
        if path and (folder / path).is_file():
            rest = {name: value for name, value in properties.items() if name != _PLACE}
            text = (folder / path).read_text(encoding="utf-8", errors="replace")
            found[logical_id] = {**resource, "Properties": {**rest, "DefinitionString": text}}
    return {**body, "Resources": _with_handlers(folder, found)} if isinstance(resources, dict) else body


def _with_handlers(folder: Path, resources: Mapping[str, Any]) -> Mapping[str, Any]:
    """The resources; the functions whose code is CDK's for retentions say so, and no other one does."""
    is_used = any(isinstance(each, dict) and each.get("Type") == _RETENTION for each in resources.values())
    found = dict(resources)
    for logical_id, resource in resources.items():
        if isinstance(resource, dict) and resource.get("Type") == _FUNCTION:
            metadata = {
                name: value for name, value in (resource.get("Metadata") or {}).items() if name != SETS_RETENTIONS
            }
            if is_used:
                metadata[SETS_RETENTIONS] = _is_for_retentions(folder, resource)
            found[logical_id] = {**resource, "Metadata": metadata}
    return found


def _is_for_retentions(folder: Path, function: Mapping[str, Any]) -> bool:
    given = function.get("Properties") or {}
    path = _own_asset(folder, given.get("Code"))
    names = [each.name for each in (folder / path).iterdir()] if path and (folder / path).is_dir() else []
    # With a layer or a variable, such as NODE_OPTIONS, it runs something else as well.
    if path is None or names != ["index.js"] or {*given} & {"Environment", "Layers"}:
        return False
    code = (folder / path / "index.js").read_bytes()
    return given.get("Handler") == "index.handler" and sha256(code).hexdigest() in _CODE_THAT_SETS_RETENTIONS


def _own_asset(folder: Path, code: Any) -> str | None:
    """The file or folder of the assembly that a function's code is, from the bucket that the assembly puts it into."""
    if not isinstance(code, dict) or {*code} != {"S3Bucket", "S3Key"}:
        return None
    bucket = code["S3Bucket"].get("Fn::Sub") if isinstance(code["S3Bucket"], dict) else code["S3Bucket"]
    for manifest in sorted(folder.glob("*.assets.json")):
        for asset in (_read(manifest).get("files") or {}).values():
            for to in (asset.get("destinations") or {}).values():
                if (to.get("bucketName"), to.get("objectKey")) == (bucket, code["S3Key"]):
                    return str(asset["source"]["path"])
    return None


def _asset(folder: Path, place: Any) -> str | None:
    """The file of the assembly that is deployed to a place in S3; None when none is, or different ones may be."""
    found = sorted(
        str(asset["source"]["path"])
        for manifest in sorted(folder.glob("*.assets.json"))
        for asset in (_read(manifest).get("files") or {}).values()
        for to in (asset.get("destinations") or {}).values()
        if _leads_to(place, str(to.get("bucketName")), str(to.get("objectKey")))
    )
    # Stacks with the same content have one name in S3.
    is_one = len({*found}) == 1 or len({_content(folder / each) for each in found}) == 1
    return found[0] if is_one else None


def _content(path: Path) -> bytes | Path:
    return path.read_bytes() if path.is_file() else path


def _leads_to(place: Any, bucket: str, key: str) -> bool:
    """Whether a URL, or a bucket and a key, is this place: its end is the key, and the bucket stands in it."""
    end = place.get("Key", place) if isinstance(place, dict) else place
    return json.dumps(end).rstrip('"]}').endswith((f"/{key}", f'"{key}')) and bucket in json.dumps(place)


def _name(artifact: Mapping[str, Any], name: str) -> str:
    """What the stack is called when it is deployed."""
    return str((artifact.get("properties") or {}).get("stackName") or artifact.get("stackName") or name)


def _environment(environment: str) -> tuple[str, str]:
    """``aws://123456789012/us-east-1`` → account and region; empty for what the synth did not know."""
    account, _, region = environment.removeprefix("aws://").partition("/")
    return ("" if account in _UNKNOWN else account, "" if region in _UNKNOWN else region)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AssemblyError(f"cannot read {path}: {error.strerror}. Fix: synthesize again") from error
    except (ValueError, RecursionError) as error:
        raise AssemblyError(f"{path} is not JSON: {error}. Fix: synthesize again") from error
    if not isinstance(document, dict):
        raise AssemblyError(f"{path} is not a JSON object. Fix: synthesize again")
    return document
