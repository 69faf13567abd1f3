-- Who changed what an identity may do?
-- serves: T1098, more permissions
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | PutUserPolicy | 203.0.113.7 | NULL | {"userName": "bob", …}
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, errorcode, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventsource = 'iam.amazonaws.com' AND regexp_like(eventname, '^(Put|Attach|Detach|Delete|Create|Set).*Polic')
ORDER BY eventtime DESC, eventid LIMIT 200
