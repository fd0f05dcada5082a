"""The tests themselves are tested: each sabotage of the source must turn something red."""
