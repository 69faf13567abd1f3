-- Who signed in to the console without a second factor?
-- serves: T1078.004, a stolen password
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | ConsoleLogin | 203.0.113.7 | IAMUser
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, useridentity.type AS identity_type
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventname = 'ConsoleLogin' AND json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Success' AND useridentity.type IN ('IAMUser', 'Root') AND coalesce(json_extract_scalar(additionaleventdata, '$.MFAUsed'), 'No') <> 'Yes'
ORDER BY eventtime DESC, eventid LIMIT 200
