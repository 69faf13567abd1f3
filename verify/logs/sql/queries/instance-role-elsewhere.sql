-- Which instance's credentials were used from more than one address?
-- serves: T1552.005, credentials taken from the metadata service
-- answer: arn:aws:sts::111122223333:assumed-role/web/i-0abc | 2 | 198.51.100.4 | 203.0.113.7 | 714
SELECT useridentity.arn AS who, count(DISTINCT sourceipaddress) AS addresses, min(sourceipaddress) AS one, max(sourceipaddress) AS another,
  count(*) AS calls
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND regexp_like(useridentity.principalid, ':i-[0-9a-f]+$') AND sourceipaddress NOT LIKE '%.amazonaws.com'
GROUP BY useridentity.arn HAVING count(DISTINCT sourceipaddress) > 1 ORDER BY addresses DESC, calls DESC, who LIMIT 200
