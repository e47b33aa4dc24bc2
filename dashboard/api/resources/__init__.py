"""What is at each address of the API?"""
