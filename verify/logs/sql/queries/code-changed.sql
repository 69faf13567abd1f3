-- Who changed what functions run?
-- serves: T1648, code in somebody else's function
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | UpdateFunctionCode20150331v2 | 203.0.113.7 | report
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, json_extract_scalar(requestparameters, '$.functionName') AS function_name
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND errorcode IS NULL AND eventsource = 'lambda.amazonaws.com'
  AND regexp_like(eventname, '^(UpdateFunctionCode|UpdateFunctionConfiguration|CreateFunction|PublishLayerVersion|AddPermission)')
ORDER BY eventtime DESC, eventid LIMIT 200
