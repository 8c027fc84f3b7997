"""What ringtime and its lab cost and how exact they are, each figure beside that of a named peer."""
