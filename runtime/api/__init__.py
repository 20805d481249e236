"""The HTTP API below `/api/v1`: reads by queryset methods, writes by the verbs of `runtime.actions`."""
