-- What was shared with others or made public?
-- serves: T1537, data given to another account
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | ModifySnapshotAttribute | 203.0.113.7 | …
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND errorcode IS NULL AND eventname IN ('PutBucketPolicy', 'PutBucketAcl', 'PutObjectAcl', 'DeletePublicAccessBlock',
    'DeleteBucketPublicAccessBlock', 'PutBucketPublicAccessBlock', 'PutAccountPublicAccessBlock', 'ModifySnapshotAttribute',
    'ModifyImageAttribute', 'ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute', 'AddPermission20150331v2',
    'SetRepositoryPolicy', 'PutResourcePolicy', 'CreateGrant')
ORDER BY eventtime DESC, eventid LIMIT 200
