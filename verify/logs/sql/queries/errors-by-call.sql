-- Which calls fail, why, and for whom?
-- serves: T1580, and what is broken
-- answer: s3.amazonaws.com | GetObject | AccessDenied | 310 | 2
SELECT eventsource, eventname, errorcode, count(*) AS errors, count(DISTINCT useridentity.arn) AS callers
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND errorcode IS NOT NULL
GROUP BY eventsource, eventname, errorcode ORDER BY errors DESC, eventsource, eventname, errorcode LIMIT 200
