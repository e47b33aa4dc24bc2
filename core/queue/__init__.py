"""How does work reach a worker process, and are the processes alive?"""
