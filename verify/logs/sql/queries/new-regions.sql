-- Which regions were used for the first time?
-- serves: T1535, regions that nobody looks at
-- parameter: since 2026/01/24 the first day that counts as new
-- answer: ap-southeast-2 | 2026-01-31T09:30:00Z | 7
SELECT awsregion AS region, min(eventtime) AS first, count(*) AS calls
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '35' day, '%Y/%m/%d')
GROUP BY awsregion HAVING min(day) >= '2026/01/24' ORDER BY first, region LIMIT 200
