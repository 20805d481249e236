"""The checkers behind `tests/test_house.py`: pure functions over source text."""
