-- Who made new credentials, users or roles, or gave them a policy?
-- serves: T1098.001 and T1136.003, a way to come back
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/mallory | CreateUser | 203.0.113.7 | {"userName": "backup"}
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventsource = 'iam.amazonaws.com' AND eventname IN ('CreateAccessKey', 'CreateUser', 'CreateRole', 'CreateLoginProfile', 'AttachUserPolicy', 'AttachRolePolicy') AND errorcode IS NULL
ORDER BY eventtime DESC, eventid LIMIT 200
