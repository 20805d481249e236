"""The durable runtime: records, engine, pages and API of Agent Harness."""
