"""What moves the database besides the steps themselves."""
