"""How do public state repositories become rows, and rows become state repositories?"""
