-- Who called what from this address?
-- serves: an address from a report of others
-- parameter: ip 203.0.113.7 the address
-- answer: arn:aws:iam::111122223333:user/alice | AKIAIOSFODNN7EXAMPLE | s3.amazonaws.com | ListBuckets | 3 | 2026-01-31T09:30:00Z | 2026-01-31T09:30:00Z
SELECT useridentity.arn AS who, useridentity.accesskeyid AS access_key, eventsource, eventname, count(*) AS calls, min(eventtime) AS first, max(eventtime) AS last
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND sourceipaddress = '203.0.113.7'
GROUP BY useridentity.arn, useridentity.accesskeyid, eventsource, eventname ORDER BY first, who, access_key, eventsource, eventname LIMIT 500
