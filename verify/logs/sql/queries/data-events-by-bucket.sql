-- Which buckets cause the most data events, and so the most cost?
-- serves: what the trail costs
-- answer: reports | GetObject | 1204332 | 1.20
SELECT json_extract_scalar(requestparameters, '$.bucketName') AS bucket, eventname, count(*) AS events,
  round(count(*) * 0.000001, 2) AS dollars
FROM cloudtrail_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND eventcategory = 'Data' AND eventsource = 's3.amazonaws.com'
GROUP BY json_extract_scalar(requestparameters, '$.bucketName'), eventname ORDER BY events DESC, bucket, eventname LIMIT 100
