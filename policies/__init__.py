"""Policies: what an author writes, how several of them become one bundle, and which phone has which."""
