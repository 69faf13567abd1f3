"""Questions to S3 about the log bucket."""

from __future__ import annotations

from dataclasses import dataclass

from verify.aws import Answer, Aws
from verify.errors import ApiError
from verify.fact import Fact, ask
from verify.posture.facts.trail import BucketEncryption, Expiration, PublicAccessBlock


@dataclass(frozen=True, slots=True)
class BucketQuestions:
    """S3 is asked in the trail's home region; botocore follows a bucket that lives elsewhere."""

    aws: Aws
    region: str

    def exists(self, bucket: str) -> Fact[str]:
        """The bucket's name, if there is a bucket of that name which the caller may use."""

        def name() -> str:
            self._get("HeadBucket", bucket)
            return bucket

        # The answer to a HEAD request has no body, so the error code is the HTTP status.
        return ask(name, absent={"404": f"there is no bucket {bucket}"})

    def encryption(self, bucket: str) -> Fact[BucketEncryption]:
        """The default encryption.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html
        """

        def encryption() -> BucketEncryption:
            answer = self._get("GetBucketEncryption", bucket)
            rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
            default = rule["ApplyServerSideEncryptionByDefault"]
            return BucketEncryption(
                algorithm=default["SSEAlgorithm"],
                key_reference=default.get("KMSMasterKeyID") or None,
                uses_bucket_key=bool(rule.get("BucketKeyEnabled")),
            )

        return ask(
            encryption,
            absent=_absent(bucket, "ServerSideEncryptionConfigurationNotFoundError", "has no default encryption"),
        )

    def policy(self, bucket: str) -> Fact[str]:
        """The bucket policy, as text."""
        return ask(
            lambda: str(self._get("GetBucketPolicy", bucket)["Policy"]),
            absent=_absent(bucket, "NoSuchBucketPolicy", "has no policy"),
        )

    def public_access_block(self, bucket: str) -> Fact[PublicAccessBlock]:
        """The bucket's own four switches, not the account's."""

        def block() -> PublicAccessBlock:
            switches = self._get("GetPublicAccessBlock", bucket)["PublicAccessBlockConfiguration"]
            return PublicAccessBlock(
                block_public_acls=switches.get("BlockPublicAcls", False),
                ignore_public_acls=switches.get("IgnorePublicAcls", False),
                block_public_policy=switches.get("BlockPublicPolicy", False),
                restrict_public_buckets=switches.get("RestrictPublicBuckets", False),
            )

        return ask(block, absent=_absent(bucket, "NoSuchPublicAccessBlockConfiguration", "has no public access block"))

    def versioning(self, bucket: str) -> Fact[str]:
        """``Enabled``, ``Suspended``, or ``never enabled``: S3 says nothing for a bucket that never had it."""
        return ask(
            lambda: str(self._get("GetBucketVersioning", bucket).get("Status", "never enabled")),
            absent=_absent(bucket),
        )

    def ownership(self, bucket: str) -> Fact[str]:
        """``BucketOwnerEnforced`` means that access control lists are off."""
        return ask(
            lambda: str(
                self._get("GetBucketOwnershipControls", bucket)["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
            ),
            absent=_absent(bucket, "OwnershipControlsNotFoundError", "has no ownership controls"),
        )

    def access_log_target(self, bucket: str) -> Fact[str | None]:
        """The bucket that receives the server access logs; ``None`` when they are off."""
        return ask(
            lambda: self._get("GetBucketLogging", bucket).get("LoggingEnabled", {}).get("TargetBucket"),
            absent=_absent(bucket),
        )

    def expirations(self, bucket: str) -> Fact[tuple[Expiration, ...]]:
        """The enabled lifecycle rules that delete current objects."""

        def rules() -> tuple[Expiration, ...]:
            try:
                answer = self._get("GetBucketLifecycleConfiguration", bucket)
            except ApiError as error:
                if error.code == "NoSuchLifecycleConfiguration":
                    return ()
                raise
            return tuple(
                Expiration(rule.get("ID", "unnamed"), _prefix(rule), rule["Expiration"].get("Days"))
                for rule in answer["Rules"]
                if rule["Status"] == "Enabled" and {"Days", "Date"} & rule.get("Expiration", {}).keys()
            )

        return ask(rules, absent=_absent(bucket))

    def has_object_lock(self, bucket: str) -> Fact[bool]:
        """Whether Object Lock is on."""

        def enabled() -> bool:
            answer = self._get("GetObjectLockConfiguration", bucket)
            return bool(answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")

        return ask(enabled, absent=_absent(bucket, "ObjectLockConfigurationNotFoundError", "has no Object Lock"))

    def _get(self, operation: str, bucket: str) -> Answer:
        return self.aws.call("s3", operation, in_region=self.region, Bucket=bucket)


def _absent(bucket: str, code: str | None = None, clause: str = "") -> dict[str, str]:
    """Every question can find no bucket; some can also find no such setting."""
    absent = {"NoSuchBucket": f"there is no bucket {bucket}"}
    return absent if code is None else {**absent, code: f"bucket {bucket} {clause}"}


def _prefix(rule: Answer) -> str:
    """The prefix of a lifecycle rule, in whichever of its three places it stands."""
    where = rule.get("Filter", {})
    return str(where.get("Prefix") or where.get("And", {}).get("Prefix") or rule.get("Prefix") or "")
