"""Which types of resources hold something that is gone with them, and which protect by being there."""

from __future__ import annotations

from typing import Final

# What these hold (log files, keys, messages, the chain of digest files) does not come back with a new resource.
STATEFUL: Final = frozenset(
    {
        "AWS::Athena::WorkGroup",
        "AWS::Backup::BackupVault",
        "AWS::CloudTrail::EventDataStore",
        "AWS::CloudTrail::Trail",
        "AWS::Cognito::UserPool",
        "AWS::DocDB::DBCluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::FSx::FileSystem",
        "AWS::Glue::Database",
        "AWS::KMS::Key",
        "AWS::KMS::ReplicaKey",
        "AWS::Kinesis::Stream",
        "AWS::Logs::LogGroup",
        "AWS::MSK::Cluster",
        "AWS::Neptune::DBCluster",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::Redshift::Cluster",
        "AWS::S3::Bucket",
        "AWS::S3Tables::TableBucket",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::SSM::Parameter",
        "AWS::SecretsManager::Secret",
    }
)
# These protect by being there; a new one in the place of the old one does as well.
PROTECTIVE: Final = {
    "AWS::AccessAnalyzer::Analyzer": "Nobody is told of access from outside.",
    "AWS::Backup::BackupPlan": "What is deleted cannot be restored.",
    "AWS::Backup::BackupSelection": "What is deleted cannot be restored.",
    "AWS::CloudWatch::Alarm": "Somebody does what the alarm was for, and nobody is told.",
    "AWS::CloudWatch::CompositeAlarm": "Somebody does what the alarm was for, and nobody is told.",
    "AWS::Config::ConfigRule": "Somebody changes what the rule was for, and nobody is told.",
    "AWS::Config::ConfigurationRecorder": "Somebody changes a resource without a record of it.",
    "AWS::Config::DeliveryChannel": "Somebody changes a resource without a record of it.",
    "AWS::EC2::FlowLog": "Somebody uses the network without a record of it.",
    "AWS::Events::Rule": "Somebody does what the rule was for, and nobody is told.",
    "AWS::GuardDuty::Detector": "Nobody is told of an attack.",
    "AWS::GuardDuty::PublishingDestination": "Nobody is told of an attack.",
    "AWS::KMS::Alias": "Whoever makes an alias of this name lets others encrypt with a key of theirs.",
    "AWS::Logs::MetricFilter": "Somebody does what the filter counted, and no alarm goes off.",
    "AWS::Logs::SubscriptionFilter": "What received the events does not see them any more.",
    "AWS::Macie::Session": "Nobody is told of data in the wrong place.",
    "AWS::Organizations::Policy": "Members of the organization do what the policy forbade.",
    "AWS::Organizations::ResourcePolicy": "Members of the organization do what the policy forbade.",
    "AWS::SNS::Subscription": "Alerts do not reach whom they reached.",
    "AWS::SecurityHub::Hub": "Nobody is told of what breaks a rule.",
    "AWS::WAFv2::WebACL": "Requests get through that it blocked.",
    "AWS::WAFv2::WebACLAssociation": "Requests get through that it blocked.",
    "Custom::S3BucketNotifications": "What was told of new objects does not hear of them any more.",
}
