"""The instructor's pages: a class, its links, its labs, its progress, what is done to them, its grades."""
