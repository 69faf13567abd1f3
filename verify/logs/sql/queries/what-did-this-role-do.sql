-- What did this role do, by call and address?
-- serves: how far somebody got
-- parameter: role example-role the role's name
-- answer: GetObject | s3.amazonaws.com | 203.0.113.7 | 714 | 3 | 2026-01-31T09:30:00Z | 2026-01-31T09:41:12Z
SELECT eventname, eventsource, sourceipaddress, count(*) AS calls, count(errorcode) AS errors, min(eventtime) AS first, max(eventtime) AS last
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND useridentity.sessioncontext.sessionissuer.username = 'example-role'
GROUP BY eventname, eventsource, sourceipaddress ORDER BY calls DESC, eventname, eventsource, sourceipaddress LIMIT 200
