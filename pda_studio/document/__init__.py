"""What a user has open: images, variants, columns, targets; as values that a file can hold."""
