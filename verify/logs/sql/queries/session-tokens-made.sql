-- Who made credentials for a while, for whom?
-- serves: T1550.001, credentials that outlive the key
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | GetFederationToken | 203.0.113.7 | admin
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, coalesce(json_extract_scalar(requestparameters, '$.roleArn'), json_extract_scalar(requestparameters, '$.name')) AS for_whom
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND errorcode IS NULL AND eventname IN ('AssumeRole', 'GetFederationToken', 'GetSessionToken', 'AssumeRoot', 'CreateToken')
  AND useridentity.type <> 'AWSService'
ORDER BY eventtime DESC, eventid LIMIT 200
