"""What the embedded demonstration model knows: a few plain requests, sums, and scripts. All of it pure."""
