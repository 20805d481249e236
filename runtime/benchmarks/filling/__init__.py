"""Records in great numbers, quickly: a few runs are really made, then copied by grouped inserts.

A copy has keys and times of its own, everywhere. Only hashes are those of the original: `manage.py verify`
would rightly complain.
"""
