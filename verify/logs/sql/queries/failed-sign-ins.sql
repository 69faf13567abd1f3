-- Who failed to sign in to the console, and how often?
-- serves: T1110, passwords tried out
-- answer: 203.0.113.7 | alice | Failed authentication | 41 | 2026-01-31T09:30:00Z
SELECT sourceipaddress, useridentity.username AS user_name, errormessage, count(*) AS attempts, max(eventtime) AS last
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventname = 'ConsoleLogin' AND json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Failure'
GROUP BY sourceipaddress, useridentity.username, errormessage ORDER BY attempts DESC, sourceipaddress, user_name, errormessage LIMIT 200
