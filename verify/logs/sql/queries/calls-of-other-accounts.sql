-- Which other accounts called here?
-- serves: T1199, partners and strangers
-- answer: 444455556666 | arn:aws:sts::444455556666:assumed-role/x/y | s3.amazonaws.com | GetObject | 41 | 2
SELECT useridentity.accountid AS account_of_caller, useridentity.arn AS who, eventsource, eventname, count(*) AS calls,
  count(errorcode) AS errors
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND useridentity.accountid <> recipientaccountid
GROUP BY useridentity.accountid, useridentity.arn, eventsource, eventname ORDER BY calls DESC, account_of_caller, who, eventsource, eventname LIMIT 200
