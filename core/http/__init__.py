"""The HTTP edge: one transaction and one actor per request, typed input, problem documents."""
