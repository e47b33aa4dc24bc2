"""Do the published files of a competition agree with each other and with the rules?

Standard library only and nothing of the platform: this folder may be copied elsewhere and run alone, with
`python -m verify PATH`.
"""
