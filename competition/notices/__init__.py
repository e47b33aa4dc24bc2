"""Who wants to hear of what the ledger tells, and did the letter arrive?"""
