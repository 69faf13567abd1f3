-- What did this session of a role do?
-- serves: a session that looks odd
-- parameter: session example-session the session's name, of an instance the instance id
-- answer: 2026-01-31T09:30:00Z | GetObject | s3.amazonaws.com | us-east-1 | 203.0.113.7 | NULL | {"bucketName": "reports"}
SELECT eventtime, eventname, eventsource, awsregion, sourceipaddress, errorcode, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND split_part(useridentity.principalid, ':', 2) = 'example-session'
ORDER BY eventtime, eventid LIMIT 1000
