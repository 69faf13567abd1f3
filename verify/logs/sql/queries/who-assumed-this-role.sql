-- Who took this role, and from where?
-- serves: T1078.004, a role that others use
-- parameter: role example-role the role's name
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | AssumeRole | 203.0.113.7 | deploy | NULL
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, json_extract_scalar(requestparameters, '$.roleSessionName') AS session_name, errorcode
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventname LIKE 'AssumeRole%' AND reverse(split_part(reverse(json_extract_scalar(requestparameters, '$.roleArn')), '/', 1)) = 'example-role'
ORDER BY eventtime DESC, eventid LIMIT 200
