"""Who pays for requests is what was set, and not a listing of the bucket."""

from tests.lab.conftest import ClientFactory


def test_who_pays_is_what_was_set(client: ClientFactory) -> None:
    s3, bucket = client("s3"), "who-pays"
    s3.create_bucket(Bucket=bucket)
    before = s3.get_bucket_request_payment(Bucket=bucket)["Payer"]

    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})

    assert (before, s3.get_bucket_request_payment(Bucket=bucket)["Payer"]) == ("BucketOwner", "Requester")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
