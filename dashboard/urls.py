"""What is the address of everything?  Permanent: nothing is ever renumbered or moved."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path, register_converter
from django.urls.resolvers import URLPattern

from dashboard.api.urls import urlpatterns as api
from dashboard.feeds import feed_views
from dashboard.pages import about, charts, files, findings, live_modules, over_rounds, rules, source_page, views
from dashboard.pages.answers import FactsPage
from dashboard.reviewing.urls import urlpatterns as reviewing
from formats import registry
from formats.integrity.marks import EXTENSION


class Hotkey:
    """An ss58 address, or the beginning of one."""

    regex = "[1-9A-HJ-NP-Za-km-z]{6,48}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class LeaderOrHotkey(Hotkey):
    """A hotkey, or `leader` for the leader of the round."""

    regex = f"leader|{Hotkey.regex}"


class Stem(Hotkey):
    """The name of a prompt."""

    regex = "[A-Za-z0-9][A-Za-z0-9._-]*"


class Sha256(Hotkey):
    regex = "[0-9a-f]{64}"


class Extension(Hotkey):
    regex = "|".join(("png", EXTENSION, *registry.media_types()))


class Theme(Hotkey):
    regex = "auto|light|dark"


CONVERTERS = {
    "hotkey": Hotkey,
    "side": LeaderOrHotkey,
    "stem": Stem,
    "sha256": Sha256,
    "extension": Extension,
    "theme": Theme,
}
for name, converter in CONVERTERS.items():
    register_converter(converter, name)

ROUND = "c/<slug:slug>/r/<int:number>"
MATCH = f"{ROUND}/<side:defender>-vs-<hotkey:challenger>"
TITLE = f"{ROUND}/title/<hotkey:hotkey>"
AUDIT = f"{ROUND}/audits/<hotkey:hotkey>"


def both(address: str, page: FactsPage, *, name: str) -> list[URLPattern]:
    """A page, and its facts as JSON."""
    return [path(f"{address}.json", page.json, name=f"{name}-json"), path(f"{address}/", page.html, name=name)]


urlpatterns = [
    path("", views.home.html, name="home"),
    path("search/", views.search, name="search"),
    path("healthz", files.healthz, name="healthz"),
    path("metrics", files.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    *reviewing,
    path("blob/<sha256:sha256>.<extension:extension>", files.blob, name="blob"),
    path("live/<sha256:sha256>/", live_modules.frame, name="live-frame"),
    path("live/<sha256:sha256>.js", live_modules.script, name="live-script"),
    path("thumb/<sha256:sha256>.webp", files.thumb, name="thumb"),
    path("c/<slug:slug>/r/current/", views.current_round, name="current-round"),
    path("c/<slug:slug>/r/current/prompts.json", files.prompts, name="current-prompts"),
    path("c/<slug:slug>/pictures/<stem:stem>.png", files.prompt_picture, name="prompt-picture"),
    path("c/<slug:slug>/views/<sha256:sha256>/<path:picture>", files.view_picture, name="view-picture"),
    path(f"{ROUND}/prompts.json", files.prompts, name="prompts"),
    path(f"{ROUND}/live", views.live_fragment, name="live"),
    path(f"{ROUND}/bundle.tar", files.bundle, name="bundle"),
    path(f"{ROUND}/bundle/<path:path>", files.bundle_file, name="bundle-file"),
    path("c/<slug:slug>/records/<path:path>", findings.record_file, name="record-file"),
    *both("c/<slug:slug>/findings", findings.findings_page, name="findings"),
    path("theme/<theme:name>/", views.theme, name="theme"),
    path("robots.txt", feed_views.robots, name="robots"),
    path("sitemap.xml", feed_views.sitemap, name="sitemap"),
    path("feeds/<slug:slug>.atom", feed_views.atom, name="feed-atom"),
    path("feeds/<slug:slug>.json", feed_views.json_feed, name="feed-json"),
    path("badge/<slug:slug>/leader.svg", feed_views.badge, name="badge"),
    path("embed/<slug:slug>/round/<int:number>/", feed_views.embed, name="embed"),
    path("og/<slug:slug>/<int:number>/<slug:digest>.jpg", feed_views.poster, name="poster"),
    path("compare.csv", over_rounds.compare_sheet.csv, name="compare-csv"),
    *both("compare", over_rounds.compare_page, name="compare"),
    *both("status", about.status_page, name="status"),
    *both("method", about.method_page, name="method"),
    *both("data", about.data_page, name="data"),
    *both("changelog", about.changelog_page, name="changelog"),
    path("c/<slug:slug>/leaders.csv", over_rounds.leaders_sheet.csv, name="leaders-csv"),
    path("c/<slug:slug>/leaders/field.csv", over_rounds.leaders_field_sheet.csv, name="leaders-field-csv"),
    path("c/<slug:slug>/leaders/charts/<slug:name>.json", charts.leaders_chart, name="leaders-chart"),
    path("c/<slug:slug>/prompts.csv", over_rounds.prompts_sheet.csv, name="prompt-gallery-csv"),
    path("c/<slug:slug>/charts.csv", charts.charts_sheet.csv, name="charts-csv"),
    path("c/<slug:slug>/charts/<slug:name>.json", charts.chart, name="chart"),
    path(f"{AUDIT}/charts/<slug:name>.json", charts.audit_chart, name="audit-chart"),
    *both("c/<slug:slug>/charts", charts.charts_page, name="charts"),
    path(f"{ROUND}.csv", views.round_sheet.csv, name="round-csv"),
    path(f"{ROUND}/field.csv", charts.field_sheet.csv, name="field-csv"),
    path(f"{ROUND}/charts/<slug:name>.json", charts.round_chart, name="round-chart"),
    path(f"{MATCH}.csv", views.match_sheet.csv, name="match-csv"),
    path("c/<slug:slug>/audits.csv", over_rounds.audits_sheet.csv, name="audits-csv"),
    *both("c/<slug:slug>/audits", over_rounds.audits_page, name="audits"),
    *both("c/<slug:slug>/leaders", over_rounds.leaders_page, name="leaders"),
    *both("c/<slug:slug>/prompts", over_rounds.prompts_page, name="prompt-gallery"),
    *both("c/<slug:slug>/prompts/<stem:stem>", over_rounds.prompt_page, name="prompt"),
    *both("c/<slug:slug>", views.home, name="competition"),
    *both(ROUND, views.round_page, name="round"),
    *both(f"{ROUND}/field", charts.field_page, name="field"),
    *both(f"{ROUND}/judge", views.judge_page, name="judge"),
    *both(MATCH, views.match_page, name="match"),
    *both(f"{MATCH}/<stem:stem>", views.duel_page, name="duel"),
    *both(f"{ROUND}/code/<hotkey:hotkey>", source_page.source_page, name="source-audit"),
    *both(AUDIT, views.audit_page, name="audit"),
    *both(f"{AUDIT}/<stem:stem>", views.audit_duel_page, name="audit-duel"),
    *both(TITLE, views.title_page, name="title"),
    *both(f"{TITLE}/<stem:stem>", views.title_duel_page, name="title-duel"),
    path("rules/charts/<slug:name>.json", rules.chart, name="rules-chart"),
    *both("rules", rules.rules_page, name="rules"),
    *both("miners/<hotkey:hotkey>", views.miner_page, name="miner"),
    *api,
]
handler400 = "dashboard.pages.views.bad_request"
handler404 = "dashboard.pages.views.page_missing"
