-- Who read secrets or parameters?
-- serves: T1555.006, secrets taken
-- answer: arn:aws:iam::111122223333:role/web | GetSecretValue | prod/database | 4 | 2026-01-31T09:30:00Z
SELECT coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn) AS who, eventname,
  coalesce(json_extract_scalar(requestparameters, '$.secretId'), json_extract_scalar(requestparameters, '$.name')) AS secret,
  count(*) AS reads, min(eventtime) AS first
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND errorcode IS NULL AND eventname IN ('GetSecretValue', 'BatchGetSecretValue', 'GetParameter', 'GetParameters', 'GetPasswordData')
GROUP BY coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn), eventname,
  coalesce(json_extract_scalar(requestparameters, '$.secretId'), json_extract_scalar(requestparameters, '$.name'))
ORDER BY reads DESC, who, eventname, secret LIMIT 200
