"""Which proxies serve what, asked of every istiod. Must not know what Laneway decides."""
