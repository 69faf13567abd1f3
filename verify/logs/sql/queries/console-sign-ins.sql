-- Who signed in to the console, and how?
-- serves: T1078.004, who was here
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | ConsoleLogin | 203.0.113.7 | Success | Yes
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, json_extract_scalar(responseelements, '$.ConsoleLogin') AS result,
  json_extract_scalar(additionaleventdata, '$.MFAUsed') AS mfa
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventname = 'ConsoleLogin'
ORDER BY eventtime DESC, eventid LIMIT 200
