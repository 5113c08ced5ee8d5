"""What a step takes is looked up in the database, parked, and brought back."""
