"""Who may use the server: the token, the kinds of login, and signed links."""
