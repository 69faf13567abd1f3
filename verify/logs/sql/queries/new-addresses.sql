-- Who called from an address for the first time?
-- serves: T1078.004, a key used elsewhere
-- parameter: since 2026/01/24 the first day that counts as new
-- answer: arn:aws:iam::111122223333:user/alice | 203.0.113.7 | 2026-01-31T09:30:00Z | 12
SELECT coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn) AS who, sourceipaddress, min(eventtime) AS first, count(*) AS calls
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '35' day, '%Y/%m/%d')
  AND sourceipaddress NOT LIKE '%.amazonaws.com'
GROUP BY coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn), sourceipaddress
HAVING min(day) >= '2026/01/24' ORDER BY first, who, sourceipaddress LIMIT 200
