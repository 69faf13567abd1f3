"""Who calls STS without credentials of AWS: somebody whom an identity provider vouches for.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
#STS-API-SAML-WIF
"""

from collections.abc import Mapping
from typing import Any


def federated_identity(operation: str, result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The userIdentity of a successful call with a token or an assertion; None for every other call.

    :param operation: of STS.
    :param result: by the member names of its output.
    """
    if operation == "AssumeRoleWithWebIdentity":
        subject, provider = result.get("SubjectFromWebIdentityToken", ""), result.get("Provider", "")
        return {
            "type": "WebIdentityUser",
            "principalId": f"{provider}:{result.get('Audience', '')}:{subject}",
            "userName": subject,
            "identityProvider": provider,
        }
    if operation == "AssumeRoleWithSAML":
        subject = result.get("Subject", "")
        return {
            "type": "SAMLUser",
            "principalId": f"{result.get('NameQualifier', '')}:{subject}",
            "userName": subject,
            "identityProvider": result.get("Issuer", ""),
        }
    return None
