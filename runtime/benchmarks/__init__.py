"""The product's own benchmarks; `registry.py` knows them all.

Parts of them run as programs of their own, without Django: nothing is imported here.
"""
