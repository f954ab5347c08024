"""What runs the lab from outside: the command line, imports, notebooks executed, the report. A closed door."""
