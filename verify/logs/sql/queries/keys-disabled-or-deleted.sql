-- Which keys were disabled, deleted or given another policy?
-- serves: T1486 and T1562, what was encrypted cannot be read
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | ScheduleKeyDeletion | 203.0.113.7 | 1234abcd-…
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, json_extract_scalar(requestparameters, '$.keyId') AS key_id
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventsource = 'kms.amazonaws.com' AND eventname IN ('DisableKey', 'ScheduleKeyDeletion', 'DeleteImportedKeyMaterial',
    'PutKeyPolicy', 'DisableKeyRotation', 'RevokeGrant')
ORDER BY eventtime DESC, eventid LIMIT 200
