"""What S3 makes of lifecycle rules."""

from tests.lab.conftest import ClientFactory


def test_a_rule_without_an_id_gets_one_that_stays(client: ClientFactory) -> None:
    s3, bucket = client("s3"), "rules-without-ids"
    s3.create_bucket(Bucket=bucket)
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    rules = [rule, {"ID": "named", **rule}, rule]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})

    first, second = (
        [each["ID"] for each in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]] for _ in "ab"
    )

    assert first == second
    assert first[1] == "named"
    assert len(set(first)) == 3
    assert {len(each) for each in first} == {48, len("named")}
