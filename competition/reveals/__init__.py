"""How submissions come in: from the chain, or by a signed request."""
