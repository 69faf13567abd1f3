-- Who deleted this, and from where?
-- serves: the first question after an outage
-- parameter: resource example-resource part of its name, id or ARN
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | DeleteTable | 203.0.113.7 | dynamodb.amazonaws.com | NULL
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, eventsource, errorcode
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND (eventname LIKE 'Delete%' OR eventname LIKE 'Terminate%' OR eventname LIKE 'Remove%' OR eventname LIKE 'Schedule%Deletion')
  AND (strpos(requestparameters, 'example-resource') > 0 OR strpos(responseelements, 'example-resource') > 0)
ORDER BY eventtime DESC, eventid LIMIT 200
