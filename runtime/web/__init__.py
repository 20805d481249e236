"""Pages and their fragments: one file per page, the same word in templates, static and tests."""
