"""Makes everything the services rely on, and may be run again at any time: roles, schemas, tables, topics, rules.

`deploy.provision.run.provision` is the one entry.
"""
