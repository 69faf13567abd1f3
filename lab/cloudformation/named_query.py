"""AWS::Athena::NamedQuery. The lab keeps the query; Athena's engine is not part of it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-athena-namedquery.html
"""

from dataclasses import dataclass

from lab.cloudformation.api import Api
from lab.cloudformation.properties import Created, Properties, reject_unsupported, required

NAMED_QUERY = "AWS::Athena::NamedQuery"
_REQUIRED = ("Database", "QueryString")
_SUPPORTED = {*_REQUIRED, "Description", "Name", "WorkGroup"}


@dataclass(frozen=True, slots=True)
class NamedQueryHandler:
    """Creates and deletes named queries; the physical id is the query's. A changed query is another one."""

    api: Api

    def create(self, logical_id: str, properties: Properties, _stack_name: str) -> Created:
        """A new query; one without a name has that of its resource."""
        reject_unsupported(NAMED_QUERY, logical_id, properties, _SUPPORTED)
        for each in _REQUIRED:
            required(NAMED_QUERY, logical_id, properties, each)
        query = self.api.call("athena", "CreateNamedQuery", **{"Name": logical_id, **properties})["NamedQueryId"]
        return query, {"NamedQueryId": query}

    def update(
        self, physical_id: str, _old: Properties, new: Properties, stack_name: str, logical_id: str | None
    ) -> Created:
        """Another query."""
        return self.create(logical_id or physical_id, new, stack_name)

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Deletes the query."""
        self.api.call("athena", "DeleteNamedQuery", NamedQueryId=physical_id)
