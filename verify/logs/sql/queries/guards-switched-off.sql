-- Which guards were switched off or weakened?
-- serves: T1562.001, nobody looks any more
-- answer: 2026-01-31T09:30:00Z | arn:aws:iam::111122223333:user/alice | DeleteDetector | 203.0.113.7 | guardduty.amazonaws.com | NULL
SELECT eventtime, useridentity.arn AS who, eventname, sourceipaddress, eventsource, errorcode
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventname IN ('DeleteDetector', 'UpdateDetector', 'CreateIPSet', 'StopConfigurationRecorder', 'DeleteConfigurationRecorder',
    'DeleteDeliveryChannel', 'DisableSecurityHub', 'DeleteFlowLogs', 'DeleteLogGroup', 'DeleteLogStream', 'PutRetentionPolicy',
    'DeleteAlarms', 'DisableAlarmActions', 'DeleteQueryLoggingConfig', 'DeleteResolverQueryLogConfig', 'DeleteWebACL',
    'PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'PutBucketLogging', 'DisableMacie', 'DeleteAnalyzer')
ORDER BY eventtime DESC, eventid LIMIT 200
