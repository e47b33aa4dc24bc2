"""Which rules must a list of boxes keep, besides those of the mesh that it is?"""

from formats.rule import Rule

BOX_RULES = {"BOX_LINE": Rule("line {line} is not 'x y z edge'", "write four numbers on every line")}
