"""import-site's parts: what a site has (site), and where that stands with Apache and with nginx."""
