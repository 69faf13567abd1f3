"""AWS's wire protocols: from an HTTP request to the API call that it makes, and back to an answer.

By botocore's models of the services, for each of which AWS documents one protocol (https://smithy.io/2.0/aws/protocols/).
Imports nothing of the lab. Open `decode.py` first.
"""
