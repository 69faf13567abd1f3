-- What did this access key do, call by call?
-- serves: the first question after a leaked key
-- parameter: key AKIAIOSFODNN7EXAMPLE the access key's id
-- answer: 2026-01-31T09:30:00Z | GetCallerIdentity | sts.amazonaws.com | us-east-1 | 203.0.113.7 | NULL | NULL
SELECT eventtime, eventname, eventsource, awsregion, sourceipaddress, errorcode, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND useridentity.accesskeyid = 'AKIAIOSFODNN7EXAMPLE'
ORDER BY eventtime, eventid LIMIT 1000
