"""`doctor`: looks at everything that the service needs, and says of each fault what puts it right."""
