-- Which services were used for the first time?
-- serves: T1496, resources for somebody else's use
-- parameter: since 2026/01/24 the first day that counts as new
-- answer: sagemaker.amazonaws.com | 2026-01-31T09:30:00Z | 7
SELECT eventsource AS service, min(eventtime) AS first, count(*) AS calls
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '35' day, '%Y/%m/%d')
GROUP BY eventsource HAVING min(day) >= '2026/01/24' ORDER BY first, service LIMIT 200
