"""Which database engine starts its own server?"""
