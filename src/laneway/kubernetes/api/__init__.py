"""The API server: how it is reached, asked and watched. Must not know what Laneway decides."""
