-- Who changed who may take a role?
-- serves: T1098.003, a role for somebody outside
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | UpdateAssumeRolePolicy | 203.0.113.7 | …
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND errorcode IS NULL AND eventname IN ('UpdateAssumeRolePolicy', 'CreateSAMLProvider', 'UpdateSAMLProvider',
    'CreateOpenIDConnectProvider', 'CreateTrustAnchor', 'CreateProfile')
ORDER BY eventtime DESC, eventid LIMIT 200
