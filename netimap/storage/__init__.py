"""Stores that keep mail: an index of facts in SQL, and bodies where each store keeps them."""
