-- Who called for the first time?
-- serves: T1136.003, an identity that was not there
-- parameter: since 2026/01/24 the first day that counts as new
-- answer: arn:aws:iam::111122223333:user/alice | 2026-01-31T09:30:00Z | 7
SELECT coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn) AS who, min(eventtime) AS first, count(*) AS calls
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '35' day, '%Y/%m/%d')
GROUP BY coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn) HAVING min(day) >= '2026/01/24' ORDER BY first, who LIMIT 200
