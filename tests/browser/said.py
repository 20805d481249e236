"""What the model says and wants in the states of `states.py`."""

from __future__ import annotations

LONG_LINE = "https://example.org/" + "a-very-long-path-" * 12

LONG_REQUEST = "x" * 3000

PROSE = f"""# A heading

Some *words* with `code`, a [link](https://example.org/) and {LONG_LINE}.

| Name | Value | Remark |
|---|---|---|
| first | 1 | {"wide " * 30} |

1. one
2. two

```python
def f(x): return "{"x" * 150}"
```

> A quotation.
"""

WRITE = {"name": "write_file", "arguments": {"path": "notes/a.txt", "content": "one\ntwo\nthree\n"}}

HIDDEN = {"name": "write_file", "arguments": {"path": "pay.txt", "content": "pay \u202eeciohc\u202c"}}

SECRET = {
    "name": "write_file",
    "arguments": {"path": "a.ini", "content": "key = AKIAABCDEFGHIJKLMNOP\n"},
}

READ = {"name": "read_file", "arguments": {"path": "notes/a.txt", "offset": 1, "limit": 2}}

MAIL = {
    "name": "send_mail",
    "arguments": {"to": "all@example.org", "copies": 1, "text": "word\n" * 60 + LONG_LINE},
}

PLAN = {
    "name": "write_todos",
    "arguments": {
        "todos": [
            {"content": "Look around", "status": "completed"},
            {
                "content": "Write it down, in so many words that the line has to be broken",
                "status": "in_progress",
            },
            {"content": "Rest", "status": "pending"},
        ]
    },
}
