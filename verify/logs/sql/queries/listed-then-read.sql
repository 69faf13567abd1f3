-- Which session listed buckets or objects, and then read objects?
-- serves: T1619 and T1530, as in the breach of Capital One
-- answer: arn:aws:sts::111122223333:assumed-role/web/i-0abc | 203.0.113.7 | 2026-01-31T09:30:00Z | 2026-01-31T09:31:10Z | 700 | 1
SELECT useridentity.arn AS who, max(sourceipaddress) AS address, min(if(eventname LIKE 'List%', eventtime)) AS listed,
  min(if(eventname = 'GetObject', eventtime)) AS first_read, count(if(eventname = 'GetObject', 1)) AS reads,
  count(DISTINCT if(eventname = 'GetObject', json_extract_scalar(requestparameters, '$.bucketName'))) AS buckets
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventsource = 's3.amazonaws.com' AND errorcode IS NULL
  AND eventname IN ('ListBuckets', 'ListObjects', 'ListObjectsV2', 'GetObject')
GROUP BY useridentity.arn
HAVING min(if(eventname LIKE 'List%', eventtime)) <= max(if(eventname = 'GetObject', eventtime))
ORDER BY reads DESC, who LIMIT 200
