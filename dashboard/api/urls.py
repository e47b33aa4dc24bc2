"""What is the address of each part of the API?  Under /api/v1/ nothing is renamed or moved."""

from __future__ import annotations

from django.urls import path, re_path
from django.urls.resolvers import URLPattern
from django.views.generic import View

from dashboard.api.resources import entering, evidence, game, index, judging, miner, opinions, outcomes, webhooks

COMPETITION = "competitions/<slug:competition>"
ROUND = f"{COMPETITION}/rounds/<int:number>"
MATCH = f"{ROUND}/matches/<str:kind>/<str:defender>/<str:challenger>"


def at(address: str, view: type[View], *, name: str) -> URLPattern:
    return path(f"api/v1/{address}", view.as_view(), name=f"api-{name}")


urlpatterns = [
    at("", index.ApiIndex, name="index"),
    at("openapi.json", index.OpenApi, name="openapi"),
    path("api/v1/docs/", index.docs, name="api-docs"),
    at("competitions", game.Competitions, name="competitions"),
    at(COMPETITION, game.CompetitionDetail, name="competition"),
    at(f"{COMPETITION}/leader", outcomes.CompetitionLeader, name="leader"),
    at(f"{COMPETITION}/statistics", outcomes.CompetitionStatistics, name="statistics"),
    at(f"{COMPETITION}/ledger/<int:number>", evidence.LedgerEventDetail, name="ledger-event"),
    at(ROUND, game.RoundDetail, name="round"),
    at(f"{ROUND}/progress", game.RoundProgress, name="progress"),
    at(f"{ROUND}/ladder", outcomes.RoundLadder, name="ladder"),
    at(f"{ROUND}/statistics", outcomes.RoundStatistics, name="round-statistics"),
    at(f"{ROUND}/judge-health", judging.RoundJudgeHealth, name="judge-health"),
    at(f"{ROUND}/costs", judging.RoundCostsDetail, name="round-costs"),
    at(f"{COMPETITION}/estimate", judging.CompetitionEstimate, name="estimate"),
    at(f"{ROUND}/submissions/<str:entry>", game.SubmissionDetail, name="submission"),
    at(MATCH, judging.MatchDetail, name="match"),
    at(f"{MATCH}/duels", judging.MatchDuels, name="match-duels"),
    at(f"{MATCH}/duels/<str:stem>", judging.DuelDetail, name="duel"),
    at("rounds", game.Rounds, name="rounds"),
    at("submissions", game.Submissions, name="submissions"),
    at("reveals", game.Reveals, name="reveals"),
    at("prompts", game.Prompts, name="prompts"),
    at("assets", game.Assets, name="assets"),
    at("views", judging.Views, name="views"),
    at("measurements", judging.Measurements, name="measurements"),
    at("matches", judging.Matches, name="matches"),
    at("duels", judging.DuelsList, name="duels"),
    at("audits", evidence.Audits, name="audits"),
    at("findings", evidence.VerifierFindings, name="findings"),
    at("ledger", evidence.LedgerEvents, name="ledger"),
    at("checkpoints", evidence.Checkpoints, name="checkpoints"),
    at("bundles", evidence.Bundles, name="bundles"),
    at("opinions", opinions.Opinions, name="opinions"),
    at("reigns", game.Reigns, name="reigns"),
    at("weights", outcomes.Weights, name="weights"),
    at("miners/<str:hotkey>/standing", miner.MinerStanding, name="miner-standing"),
    at("me/standing", miner.OwnStanding, name="own-standing"),
    at("me/diagnostics", miner.OwnDiagnostics, name="own-diagnostics"),
    at("me/reveals", entering.OwnReveals, name="own-reveals"),
    at("me/appeals", entering.OwnAppeals, name="own-appeals"),
    at("appeals", entering.Appeals, name="appeals"),
    at("webhooks", webhooks.Webhooks, name="webhooks"),
    at("webhooks/<uuid:subscription>", webhooks.Webhook, name="webhook"),
    at("webhooks/<uuid:subscription>/resume", webhooks.Resume, name="webhook-resume"),
    at("webhooks/<uuid:subscription>/deliveries", webhooks.WebhookDeliveries, name="webhook-deliveries"),
    at("webhooks/<uuid:subscription>/deliveries/<uuid:delivery>/replay", webhooks.Replay, name="webhook-replay"),
    re_path(r"^api/", index.NothingHere.as_view(), name="api-nothing"),
]
