"""The other sides of the ratios: the same job, or a part of it, done in the plain ways that it is usually done."""
