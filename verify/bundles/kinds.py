"""Which kinds of findings are there in a bundle, and what does each mean?"""

from __future__ import annotations

from verify.kinds import ERROR, NOTABLE, FindingKind

WRONG: dict[str, str] = {
    # files
    "file-missing": "a file that must be there is not, or is a link",
    "file-too-large": "a document is larger than any round could make it; it was not read",
    "foreign-file": "a file or folder that the manifest does not list, or that no document names",
    "not-json": "a file is not JSON, or cut off",
    "not-canonical": "a file is not the canonical form (RFC 8785) of what it says",
    "bad-manifest": "the manifest does not have the form it names",
    "wrong-hash": "a file is not the one that the manifest lists",
    "wrong-size": "a file has another size than the manifest lists",
    "wrong-name": "a content-addressed file has another hash than its name",
    "malformed-document": "a document lacks a field, has one too many, or one of another type",
    # ledger and signature
    "ledger-broken": "an event of the ledger is not what was hashed, or does not follow from the one before",
    "ledger-gap": "the events of the ledger are not numbered one after the other",
    "not-announced": "the ledger announces another bundle for this round, or none, or several",
    "wrong-checkpoint": "the signed head is not the last event of the ledger",
    "bad-signature": "the signature is not by the key that it names",
    "foreign-signature": "somebody else than the pinned operator signed",
    "wrong-stage": "the ledger tells of a move that was not possible: something was left out, doubled or reordered",
    "ledger-differs": "what the documents say is not what the ledger told when it happened",
    # the round
    "another-round": "a document is of another round or competition",
    "wrong-rules": "the rules are not those of the ruleset and the competition's configuration",
    "unknown-ruleset": "the ruleset is none that is written here, so that the decision cannot be checked",
    "wrong-schedule": "a block of the schedule does not follow from the competition's cadence",
    "wrong-block-hash": "the hash of the seed block is not that of the chain",
    "wrong-seed": "the seed does not follow from competition, round and block hash",
    "wrong-beacon": "the public beacon's value is missing, of another round, or not signed by the beacon",
    "wrong-pool": "the pool is not the one that was committed to before the round",
    "wrong-prompts": "the prompts are not the ones that the seed draws from the pool",
    # entries
    "late-reveal": "a reveal counts that lies outside the window",
    "unsigned-reveal": "a reveal is not signed by its miner",
    "wrong-submission": "a submission is not what its miner's reveals add up to",
    "wrong-objection": "an objection where none is due, or none where one is",
    "wrong-copy": "a copy of an earlier commit is not marked, or an original is",
    # files of the entries
    "wrong-assets": "not exactly one file, or one failure, for each entry and prompt",
    "asset-file": "a stored file is not in the bundle, or in another size",
    "wrong-views": "the pictures of a file are not those of the rig, not in the bundle, or differ for the same content",
    "leader-incomplete": "an output of the leader is missing by no doing of its own: the round should have paused",
    # matches
    "missing-match": "a match that the rules ask for was not played",
    "extra-match": "a match that the rules do not ask for",
    "wrong-duels": "not exactly one duel for each prompt, in seed order, up to where the match was certain",
    "wrong-files": "a duel was not about the files that both sides delivered",
    "wrong-forfeit": "a duel is forfeited where both sides delivered, or judged where one did not",
    "wrong-outcome": "a duel's outcome does not follow from its score, its answers or its files",
    "wrong-ballots": "the answers are not those of the questions that had to be asked, or add up to something else",
    "wrong-answer": "what is told as a model's answer is none, or not what its log-probabilities say",
    "missing-answer": "a verdict rests on an answer that is not in the bundle",
    "extra-answer": "an answer on which no verdict rests",
    "wrong-control": "a control is not one that the round had to have, or its score does not follow from its answers",
    "unhealthy-judge": "the judge failed a gate of its controls: the round should have paused",
    "judged-twice": "one judge gave two verdicts about the same files",
    "wrong-judge": "matches of one round were judged by different judges, or by another than is described",
    "too-many-voids": "more than 5 % of a match could not be judged: the round should have paused",
    "wrong-tally": "wins, draws and losses are not those of the duels",
    "wrong-margin": "a margin is not (won - lost) / counted",
    "wrong-flips": "a flip distance is not the fewest duels that would have to end otherwise",
    "wrong-repeatability": "what the judge said about copies of one commit is counted otherwise",
    "wrong-stop": "a match did not end with the first duel after which it was certain",
    # the decision
    "wrong-ladder": "the ladder climbs otherwise",
    "wrong-reason": "a sentence tells other numbers or names than the documents",
    "missing-audit": "a winner of the ladder lacks an audit",
    "extra-audit": "an audit of somebody who won no rung, or of a kind that nobody asked for",
    "wrong-audit": "an audit's verdict does not follow from its findings, its match or its time",
    "wrong-check": "a verdict about code does not say on which archive or by which tools, or a finding is by none",
    "wrong-ruling": "a decision of people was not signed by two different people, or is not what they signed",
    "wrong-appeal": "an appeal is not the miner's own, came too late, or was not carried out as decided",
    "wrong-correction": "a corrected decision does not follow, hides what it replaces, or was made for picked results",
    "wrong-winner": "the matches and audits give another winner",
    "wrong-reign": "the reign, its weight or its block does not follow from the winner and the reign before",
    "wrong-weights": "the shares paid are not those of the reign in effect",
    # the chain, where it is asked with --chain or --anchors
    "anchor-differs": "the chain has another hash for an event, or has not the anchor that the file tells of",
    "not-anchored": "the operator's hotkey has put no head of this ledger on the chain",
    "chain-unread": "the node or the file of anchors could not be read; nothing was compared",
    # several bundles
    "series-broken": "the ledgers of two bundles tell different histories, or leave a gap",
    "series-differs": "a round does not begin as the one before says",
    "two-heads": "two signed heads of one place of the ledger: whoever signed both told two histories",
    # a checkpoint that was kept, where it is given with --checkpoint
    "checkpoint-differs": "the ledger has another hash for an event than the signed head that was kept",
    "checkpoint-unread": "no signed head of this ledger could be read from the file; nothing was compared",
    # a site's own ledger
    "ledger-unread": "the ledger that the site serves could not be read; nothing was compared",
}

TELLING: dict[str, str] = {
    "operator-not-pinned": "signed by this key; whose key that is, only you can know: pin it with --operator",
    "signature-unchecked": "signatures were not checked, because the package bittensor-core is missing",
    "leader-forfeit": "the leader's own code gave no usable file for a prompt: it forfeits the duels on it",
    "judge-silenced": "a side's pictures keep the judge from answering, which answers about control pictures: it loses",
    "void-duel": "a duel could not be judged, for a reason that is the platform's; it counts for nobody",
    "audit-by-person": "an audit was decided by a person, for the reason given",
    "told-earlier": "an event lies in an earlier bundle's part of the ledger; verify the folder of all bundles",
    "not-read-back": "the chain did not have the weights that were set",
    "anchor-elsewhere": "an anchored event is not in this bundle's part of the ledger; verify all bundles",
    "series-not-joined": "nothing could be compared between two rounds: a bundle between them is not here",
    "checkpoint-elsewhere": "the event of the signed head that was kept is not in the part of the ledger that is here",
    "paused": "the round was paused, for the reason given",
}

BUNDLE_KINDS: dict[str, FindingKind] = {kind: FindingKind(ERROR, meaning) for kind, meaning in WRONG.items()} | {
    kind: FindingKind(NOTABLE, meaning) for kind, meaning in TELLING.items()
}
