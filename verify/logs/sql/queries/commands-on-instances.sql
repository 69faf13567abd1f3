-- Who ran commands on instances or logged in to them?
-- serves: T1651 and T1021, from the account to the machine
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | SendCommand | 203.0.113.7 | NULL | {"instanceIds": ["i-0abc"], …}
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, errorcode, requestparameters
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventname IN ('SendCommand', 'StartSession', 'SendSSHPublicKey', 'SendSerialConsoleSSHPublicKey', 'ModifyInstanceAttribute',
    'GetConsoleScreenshot', 'ExecuteCommand', 'CreateAssociation')
ORDER BY eventtime DESC, eventid LIMIT 200
