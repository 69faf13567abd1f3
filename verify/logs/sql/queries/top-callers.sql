-- Who calls most?
-- serves: what is usual here
-- answer: arn:aws:iam::111122223333:user/alice | IAMUser | 41872 | 12 | 310
SELECT coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn, useridentity.invokedby) AS who, useridentity.type AS identity_type, count(*) AS calls, count(DISTINCT eventsource) AS services, count(errorcode) AS errors
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
GROUP BY coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn, useridentity.invokedby), useridentity.type
ORDER BY calls DESC, who, identity_type LIMIT 100
