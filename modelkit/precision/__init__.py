"""Files of other precisions, and the golden pictures that they are compared on."""
