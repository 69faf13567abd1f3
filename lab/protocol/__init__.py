"""AWS's wire protocols: from an HTTP request to the API call that it makes, and back to an answer.

By botocore's models of the services, for each of which AWS documents one protocol (https://smithy.io/2.0/aws/protocols/).
May import `botocore`. Open `decode.py` first.
"""
