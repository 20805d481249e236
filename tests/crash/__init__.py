"""Proof by killing: real processes die at named points and at random; an oracle looks at what is left."""
