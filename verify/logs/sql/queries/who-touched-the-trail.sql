-- Who stopped, changed or deleted a trail, or what it records, or tried to?
-- serves: T1562.008, logging switched off
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/mallory | StopLogging | 203.0.113.7 | NULL | {"name": "my-trail"}
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, errorcode, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventsource = 'cloudtrail.amazonaws.com' AND eventname IN ('StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors', 'PutInsightSelectors')
ORDER BY eventtime DESC, eventid LIMIT 200
