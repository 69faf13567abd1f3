"""KMS's ReEncrypt, which MiniStack does not have."""

import json

import pytest

from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory
from tests.lab.identities import allow, make_user, message, refused


def test_what_a_key_encrypted_is_encrypted_by_another_one(lab: Lab, client: ClientFactory) -> None:
    kms = client("kms")
    source, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    sealed = kms.encrypt(KeyId=source, Plaintext=b"secret", EncryptionContext={"a": "b"})["CiphertextBlob"]
    wanted = {
        "CiphertextBlob": sealed,
        "SourceEncryptionContext": {"a": "b"},
        "DestinationKeyId": other,
        "DestinationEncryptionContext": {"c": "d"},
    }

    answer = kms.re_encrypt(**wanted)

    assert (answer["SourceKeyId"], answer["KeyId"]) == (source, other)
    opened = kms.decrypt(CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"c": "d"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", other)
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "ReEncrypt"}]
    record = json.loads(client("cloudtrail").lookup_events(LookupAttributes=by_name)["Events"][0]["CloudTrailEvent"])
    assert {each["ARN"] for each in record["resources"]} == {source, other}
    assert refused(kms.re_encrypt, **wanted | {"SourceEncryptionContext": {}}) == "InvalidCiphertextException"
    assert refused(kms.re_encrypt, **wanted, SourceKeyId=other) == "IncorrectKeyException"
    only_from = make_user(lab, "re-encrypt-from", allow("kms:ReEncryptFrom", source))
    assert f"kms:ReEncryptTo on resource: {other}" in message(only_from.client("kms").re_encrypt, **wanted)
    only_to = make_user(lab, "re-encrypt-to", allow("kms:ReEncryptTo", other))
    assert f"kms:ReEncryptFrom on resource: {source}" in message(only_to.client("kms").re_encrypt, **wanted)
    kms.disable_key(KeyId=other)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.re_encrypt(**wanted)
