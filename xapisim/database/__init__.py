"""The pool's database: tables of records, their generations and their relations."""
