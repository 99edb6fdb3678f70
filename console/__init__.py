"""The web console: each page reads its input, makes one service call and fills a template."""
