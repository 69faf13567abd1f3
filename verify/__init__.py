"""SecureTrail's verifier: is every call recorded, can anyone have altered the record, who did this?

It only reads. It needs boto3 and rich, and neither Node nor the AWS CDK.
"""
