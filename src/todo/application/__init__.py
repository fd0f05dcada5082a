"""What one can do with tasks and accounts. Imports the domain only."""
