"""Writing WebP: libwebp for colours, our own coder for alpha, and the container around them."""
