-- Who tries what they may not?
-- serves: T1580, somebody tries out what a key may do
-- answer: arn:aws:iam::111122223333:user/mallory | s3.amazonaws.com | ListBuckets | 41
SELECT useridentity.arn AS who, eventsource, eventname, count(*) AS attempts
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND (errorcode LIKE 'AccessDenied%' OR errorcode LIKE '%UnauthorizedOperation')
GROUP BY useridentity.arn, eventsource, eventname ORDER BY attempts DESC, who, eventsource, eventname LIMIT 100
