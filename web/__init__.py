"""The web pages: Flask, served by waitress, with no rights of their own over the labs."""
