-- What exactly was this event?
-- serves: an id from an alert
-- parameter: id 00000000-0000-0000-0000-000000000000 the event's id
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | StopLogging | 203.0.113.7 | us-east-1 | aws-cli/2.15 … | NULL | NULL | {"name": "my-trail"} | NULL
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, awsregion, useragent, errorcode, errormessage, requestparameters, responseelements
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventid = '00000000-0000-0000-0000-000000000000'
ORDER BY eventtime DESC, eventid LIMIT 200
