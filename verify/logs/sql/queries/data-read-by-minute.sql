-- Who read how many objects in which minute?
-- serves: T1530, data taken from buckets
-- answer: arn:aws:iam::111122223333:role/web | 2026-01-31T09:30 | reports | 312 | 312 | 203.0.113.7
SELECT coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn) AS who, substr(eventtime, 1, 16) AS minute,
  json_extract_scalar(requestparameters, '$.bucketName') AS bucket, count(*) AS reads,
  count(DISTINCT json_extract_scalar(requestparameters, '$.key')) AS objects, max(sourceipaddress) AS address
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventsource = 's3.amazonaws.com' AND eventname = 'GetObject' AND errorcode IS NULL
GROUP BY coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn), substr(eventtime, 1, 16),
  json_extract_scalar(requestparameters, '$.bucketName')
ORDER BY reads DESC, who, minute, bucket LIMIT 200
