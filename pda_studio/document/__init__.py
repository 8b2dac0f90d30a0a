"""What a user has open: pictures, variants, columns, targets; as values that a file can hold."""
