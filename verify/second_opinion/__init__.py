"""Does another judge, of the reader's own choice, answer the questions of a bundle as the round's judge did?"""
