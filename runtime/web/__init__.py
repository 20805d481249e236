"""Pages and their fragments, and the live stream; one module for each page."""
