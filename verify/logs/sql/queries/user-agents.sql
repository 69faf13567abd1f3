-- Which programs call, and for whom?
-- serves: T1078.004, a tool that nobody here has
-- answer: aws-cli/2.15 … kali | 2 | 41 | 2026-01-31T09:30:00Z
SELECT useragent, count(DISTINCT useridentity.arn) AS callers, count(*) AS calls, min(eventtime) AS first
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
GROUP BY useragent ORDER BY callers, calls, useragent LIMIT 200
