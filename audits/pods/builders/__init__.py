"""How does a revealed commit become an image?"""
