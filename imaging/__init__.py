"""Pictures: bytes to arrays, arrays to bytes. Knows neither money nor models."""

import cv2

# A picture gets one core, and the pipeline decides how many pictures are worked on at a time.
cv2.setNumThreads(1)
