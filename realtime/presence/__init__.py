"""Who is present where: the rules (pure) and the rows."""
