-- In which minutes did one caller call most?
-- serves: T1619, programs that look around
-- answer: arn:aws:iam::111122223333:user/alice | 2026-01-31T09:30 | 412 | 37 | 120
SELECT useridentity.arn AS who, substr(eventtime, 1, 16) AS minute, count(*) AS calls, count(DISTINCT eventname) AS different_calls,
  count(errorcode) AS errors
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
GROUP BY useridentity.arn, substr(eventtime, 1, 16) ORDER BY calls DESC, who, minute LIMIT 100
