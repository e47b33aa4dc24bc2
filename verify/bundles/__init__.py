"""Does a published bundle of a round follow from what lies beside it?"""
