"""A stack full of dossiers that nobody handed in: their lives by the services' own rules, their rows by COPY."""
