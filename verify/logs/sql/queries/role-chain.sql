-- Who took this role, back to the first who had no role?
-- serves: T1550.001, roles taken one after the other
-- parameter: role example-role the role's name
-- answer: 1 | 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:role/web | arn:aws:iam::111122223333:user/alice | IAMUser
WITH RECURSIVE handed (new_key, old_key, eventtime, role, who, identity_type) AS (
  SELECT json_extract_scalar(responseelements, '$.credentials.accessKeyId'), useridentity.accesskeyid, eventtime,
    json_extract_scalar(requestparameters, '$.roleArn'), useridentity.arn, useridentity.type
  FROM cloudtrail_logs
  WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
    AND eventname LIKE 'AssumeRole%' AND errorcode IS NULL
),
chain (step, eventtime, role, who, identity_type, old_key) AS (
  SELECT 1, eventtime, role, who, identity_type, old_key FROM handed
  WHERE reverse(split_part(reverse(role), '/', 1)) = 'example-role'
  UNION ALL
  SELECT chain.step + 1, handed.eventtime, handed.role, handed.who, handed.identity_type, handed.old_key
  FROM handed JOIN chain ON handed.new_key = chain.old_key
  WHERE chain.step < 10
)
SELECT DISTINCT step, eventtime, role, who, identity_type FROM chain ORDER BY step, eventtime, role, who, identity_type LIMIT 200
