"""What stands beside the three parts and may import any of them.

``review`` compares what a change would deploy with what is deployed: which access and which protection it changes. No
part imports anything of this package.
"""
