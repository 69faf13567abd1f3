-- Which access keys of users are in use, since when and from where?
-- serves: T1552, keys that can leak
-- answer: arn:aws:iam::111122223333:user/alice | AKIAIOSFODNN7EXAMPLE | 310 | 2 | 2026-01-31T09:30:00Z | 2026-01-31T09:30:00Z
SELECT useridentity.arn AS who, useridentity.accesskeyid AS access_key, count(*) AS calls, count(DISTINCT sourceipaddress) AS addresses,
  min(eventtime) AS first, max(eventtime) AS last
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND useridentity.accesskeyid LIKE 'AKIA%'
GROUP BY useridentity.arn, useridentity.accesskeyid ORDER BY addresses DESC, calls DESC, who, access_key LIMIT 200
