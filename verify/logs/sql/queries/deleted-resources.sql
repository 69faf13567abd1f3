-- What was deleted, and by whom?
-- serves: T1485, destruction
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/mallory | DeleteBucket | 203.0.113.7 | s3.amazonaws.com | {"bucketName": "reports"}
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, eventsource, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND (eventname LIKE 'Delete%' OR eventname LIKE 'Terminate%') AND errorcode IS NULL
ORDER BY eventtime DESC, eventid LIMIT 200
