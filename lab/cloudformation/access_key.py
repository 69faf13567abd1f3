"""AWS::IAM::AccessKey.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-accesskey.html
"""

from dataclasses import dataclass

from lab.cloudformation.api import Api, ApiError
from lab.cloudformation.properties import Created, Properties, reject_unsupported, required

ACCESS_KEY = "AWS::IAM::AccessKey"

# Not Status: MiniStack forgets the secret of a resource that is updated and not replaced.
_SUPPORTED = {"Serial", "UserName"}


@dataclass(frozen=True, slots=True)
class AccessKeyHandler:
    """Creates and deletes access keys; the physical id is the access key's id."""

    api: Api

    def create(self, logical_id: str, properties: Properties, _stack_name: str) -> Created:
        """A new access key; its secret is the attribute SecretAccessKey."""
        reject_unsupported(ACCESS_KEY, logical_id, properties, _SUPPORTED)
        user = required(ACCESS_KEY, logical_id, properties, "UserName")
        key = self.api.call("iam", "CreateAccessKey", UserName=user)["AccessKey"]
        return key["AccessKeyId"], {"SecretAccessKey": key["SecretAccessKey"]}

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None
    ) -> Created:
        """Another key: for another user, or as the serial has become greater.

        :raises ValueError: the serial has become smaller.
        """
        before, after = int(old.get("Serial", 0)), int(new.get("Serial", 0))
        if after < before:
            raise ValueError(
                f"{ACCESS_KEY} {logical_id}: Serial was {before} and can only become greater, not {after}."
            )
        return self.create(logical_id or physical_id, new, stack_name)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Deletes the key; one that is gone already is fine, and so is one whose user is gone."""
        try:
            self.api.call("iam", "DeleteAccessKey", UserName=properties["UserName"], AccessKeyId=physical_id)
        except ApiError as error:
            if error.code != "NoSuchEntity":
                raise
