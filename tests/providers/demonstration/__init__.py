"""The embedded demonstration model, part by part; test_scripted.py tests it whole."""
