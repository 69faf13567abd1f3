"""Who is told, and of what: SNS topics, alerts on tampering, CloudWatch alarms.

May import ``aws_cdk``, ``compliance``, ``constructs``, ``jsii`` and ``policies``.
Open ``tamper_alerts.py`` first for the EventBridge rules, ``cis_alarms.py`` for the alarms of CIS AWS Foundations,
``log_alarm.py`` for how one alarm is made.
"""
