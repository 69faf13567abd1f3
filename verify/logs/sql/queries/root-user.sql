-- What did the root user do?
-- serves: T1078.004, use of the root user
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:root | CreateAccessKey | 203.0.113.7 | us-east-1
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, awsregion
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND useridentity.type = 'Root' AND useridentity.invokedby IS NULL AND eventtype <> 'AwsServiceEvent'
ORDER BY eventtime DESC, eventid LIMIT 200
