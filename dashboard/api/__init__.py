"""How does a program read the platform, and how does a miner talk to it?"""
