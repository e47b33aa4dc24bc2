"""What does a reader see?  Each fact once, from one query; pages, twins, feeds, API and client show the same."""
