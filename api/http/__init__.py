"""HTTP/1.1 at the socket: what is read as a request, and how long, how slow and how many connections may be."""
