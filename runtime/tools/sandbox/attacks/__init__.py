"""What a command may try, tried: the self-test runs this inside the sandbox, with the sandbox's own Python.

Standard library only. Copied into the self-test's folder, away from the rest of the product; the modules of
the packages above are empty there.

An attack yields a few words for every thing that it managed and should not have.
"""
