"""What lasts: engine, tables, migrations, and the writer that gathers commits."""
