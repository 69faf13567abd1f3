-- Who still calls with an old version of TLS?
-- serves: what breaks when AWS ends it
-- answer: TLSv1.1 | arn:aws:iam::111122223333:user/printer | Boto/2.49 | 310
SELECT tlsdetails.tlsversion AS tls_version, useridentity.arn AS who, useragent, count(*) AS calls
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND tlsdetails.tlsversion IN ('TLSv1', 'TLSv1.0', 'TLSv1.1')
GROUP BY tlsdetails.tlsversion, useridentity.arn, useragent ORDER BY calls DESC, tls_version, who, useragent LIMIT 200
