-- Which calls are made most?
-- serves: what is usual here
-- answer: s3.amazonaws.com | GetObject | 90210 | 14
SELECT eventsource, eventname, count(*) AS calls, count(errorcode) AS errors
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
GROUP BY eventsource, eventname ORDER BY calls DESC, eventsource, eventname LIMIT 100
