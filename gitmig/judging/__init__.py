"""What is judged by trying it, or by asking the database."""
