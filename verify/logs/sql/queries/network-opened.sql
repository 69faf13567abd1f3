-- Who opened the network?
-- serves: T1562.007, a way in
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | AuthorizeSecurityGroupIngress | 203.0.113.7 | …
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND errorcode IS NULL AND eventname IN ('AuthorizeSecurityGroupIngress', 'ModifySecurityGroupRules', 'CreateInternetGateway',
    'AttachInternetGateway', 'CreateRoute', 'ReplaceRoute', 'CreateNetworkAclEntry', 'ReplaceNetworkAclEntry')
ORDER BY eventtime DESC, eventid LIMIT 200
