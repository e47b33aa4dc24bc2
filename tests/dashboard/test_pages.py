"""What each page and its JSON twin say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from competition.models import Prompt, Round
from dashboard.facts.rounds import headline_parts
from dashboard.models import VerifierFinding
from dashboard.pages import inline_svg
from dashboard.pages.answers import twin_url
from judging.models import Duel
from tests.dashboard.made_round import Made, hotkey

pytestmark = pytest.mark.django_db


def html(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, f"{url}: {answer.status_code}"
    return answer.content.decode()


def facts(client: Client, url: str) -> dict[str, Any]:
    answer = client.get(twin_url(url))
    assert answer.status_code == 200, f"{twin_url(url)}: {answer.status_code}"
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def match_url(made: Made, number: int = 1, miner: int = 1) -> str:
    return reverse("match", args=["made", number, "leader", made.miners[miner].hotkey])


def every_page(made: Made) -> list[str]:
    winner = made.miners[1].hotkey
    return [
        reverse("competition", args=["made"]),
        reverse("round", args=["made", 1]),
        reverse("round", args=["made", 2]),
        match_url(made),
        match_url(made, miner=2),
        match_url(made, number=2, miner=2),
        f"{match_url(made)}prompt-000/",
        f"{match_url(made, miner=2)}prompt-011/",
        reverse("audit", args=["made", 1, winner]),
        f"{reverse('audit', args=['made', 1, winner])}prompt-003/",
        *(reverse("miner", args=[miner.hotkey]) for miner in made.miners),
    ]


def test_every_page_and_its_twin_answer(client: Client, made: Made) -> None:
    for url in every_page(made):
        text = html(client, url)
        assert facts(client, url)["url"] == url
        assert f'href="{twin_url(url)}"' in text, "each page links its twin"
        assert '<html lang="en">' in text
        assert 'class="skip"' in text
        assert "<title>" in text


def test_nothing_inline_that_a_strict_policy_would_forbid(client: Client, made: Made) -> None:
    for url in every_page(made):
        text = html(client, url)
        assert " style=" not in text
        assert "<style" not in text
        assert "<script>" not in text
        assert " onclick" not in text


def test_the_front_page_is_the_current_competition(client: Client, made: Made) -> None:
    text = html(client, "/")
    assert "Made competition" in text
    assert made.miners[1].hotkey[:8] in text, "the leader"
    home = facts(client, reverse("competition", args=["made"]))
    assert home["leader"]["weight"] == "1"
    assert home["leader"]["weight_rounded"] == 1.0
    assert home["leader"]["next_weight"] == "4/5"
    assert home["leader"]["defences"] == 0
    assert home["leader"]["won_in"] == 1


def test_an_empty_site_says_so(client: Client, db: None) -> None:
    assert "No competition has been set up yet" in html(client, "/")


def test_what_is_embedded_is_labelled_on_every_page_of_a_round(client: Client, made: Made) -> None:
    for url in every_page(made)[:9]:
        text = html(client, url)
        for name in ("perceptual-v1", "simulated:made", "local", "raycast"):
            assert name in text, f"{url} does not say {name}"


def test_a_round_counts_copies_forfeits_and_objections_apart(client: Client, made: Made) -> None:
    counts = facts(client, reverse("round", args=["made", 1]))["counts"]
    assert counts == {"revealed": 5, "eligible": 4, "copies": 1, "forfeits": 24, "leader_forfeits": 0, "audited": 1}


def test_a_round_shows_its_headline_by_names(client: Client, made: Made) -> None:
    text = html(client, reverse("round", args=["made", 1]))
    winner = made.miners[1]
    assert f"{winner.label} ({winner.hotkey[:8]}…{winner.hotkey[-6:]}) takes the lead" in text


def test_the_ladder_gives_each_rung_its_reason(client: Client, made: Made) -> None:
    page = facts(client, reverse("round", args=["made", 1]))
    (rung,) = page["ladder"]
    assert rung["verdict"] == "advanced"
    assert rung["challenger"]["hotkey"] == made.miners[1].hotkey
    assert "Its audits passed" in rung["reason"]


def test_a_forfeit_is_not_shown_as_a_judged_loss(client: Client, made: Made) -> None:
    page = facts(client, match_url(made, miner=3))
    assert page["tally"]["lost"] == 0
    assert page["tally"]["forfeits_challenger"] == 12
    assert page["tally"]["margin"] == "-1"
    assert "forfeited every duel" in page["sentence"]


def test_a_void_duel_is_not_a_draw(client: Client, made: Made) -> None:
    page = facts(client, match_url(made))
    assert page["counts"]["void"] == 2
    assert page["tally"]["counted"] == 10
    assert page["tally"]["void"] == 2
    assert Fraction(page["tally"]["margin"]) == Fraction(2, 10)
    assert page["tally"]["margin_rounded"] == 0.2


def test_a_match_that_was_stopped_says_when_and_why(client: Client, made: Made) -> None:
    url = match_url(made, miner=2)
    assert "Stopped after 6 of 12 duels: it was already certain to stay below the bar." in html(client, url)
    results = [duel["result"] for duel in facts(client, url)["duels"]]
    assert results[6:] == ["unneeded"] * 6, "what was judged beyond that point does not count"


def test_the_strip_has_a_letter_for_every_duel(client: Client, made: Made) -> None:
    text = html(client, match_url(made))
    assert text.count('<a class="cell ') == 12
    for mark in (">W</a>", ">L</a>", ">·</a>", ">V</a>"):
        assert mark in text


def test_a_match_tells_its_flip_distance(client: Client, made: Made) -> None:
    page = facts(client, match_url(made))
    assert page["tally"]["reaches"] is True
    assert page["tally"]["flip_distance"] == 1
    assert "no duel to spare" in page["standing"]


def test_an_interval_that_holds_zero_is_said_to(client: Client, made: Made) -> None:
    assert "holds 0" in html(client, match_url(made))


def test_decisive_duels_come_first_and_all_are_a_click_away(client: Client, made: Made) -> None:
    url = match_url(made)
    assert html(client, url).count('<li class="trio') == 6
    assert html(client, f"{url}?show=all").count('<li class="trio') == 12
    assert html(client, f"{url}?show=nonsense").count('<li class="trio') == 6


def test_a_duel_shows_prompt_and_both_sides_in_the_chosen_view(client: Client, made: Made) -> None:
    url = f"{match_url(made)}prompt-000/"
    page = facts(client, url)
    text = html(client, f"{url}?view=back")
    assert page["defender"]["views"]["back"] in text
    assert page["challenger"]["views"]["back"] in text
    assert page["prompt_sha256"] in text
    assert page["view_names"] == ["front_left", "right", "back", "gray_front_left"]
    assert page["result"] == "won"
    assert page["challenger"]["sha256"] in text


def test_neighbours_of_a_duel_are_decisive(client: Client, made: Made) -> None:
    page = facts(client, f"{match_url(made)}prompt-001/")
    assert page["previous_decisive"]["position"] == 0
    assert page["next_decisive"]["position"] == 2


def test_a_judges_unknown_notes_are_shown_too(client: Client, made: Made) -> None:
    duel = made.matches[made.miners[1].hotkey + "screen"].duels.first()
    duel.detail = {"decided_by": "front", "remarks": {"anything": [1, {"deep": ["<b>er</b>"]}]}}
    duel.save()
    text = html(client, f"{match_url(made)}prompt-000/")
    assert "remarks" in text
    assert "&lt;b&gt;er&lt;/b&gt;" in text


def test_a_miner_is_told_where_it_stands(client: Client, made: Made) -> None:
    sentences = [facts(client, reverse("miner", args=[m.hotkey]))["sentence"] for m in made.miners]
    assert sentences[1].startswith("This miner leads made with weight 1")
    assert sentences[2] == "Round 2 of made: its match is being judged."
    assert sentences[5].startswith("Round 1 of made: the reveals made no submission. No commit.")


def test_a_miner_sees_objection_and_garbled_message(client: Client, made: Made) -> None:
    text = html(client, reverse("miner", args=[made.miners[-1].hotkey]))
    assert "The message is not UTF-8 text." in text
    assert "x" * 100 in text
    assert "x" * 300 not in text, "a message is cut"


def test_a_miner_sees_why_files_failed_and_who_must_act(client: Client, made: Made) -> None:
    page = facts(client, reverse("miner", args=[made.miners[4].hotkey]))
    (round_,) = [r for r in page["rounds"] if r["round"] == 1]
    assert len(round_["failed_files"]) == 12
    assert round_["failed_files"][0]["failure_class"] == "miner"
    assert round_["failed_files"][0]["who_must_act"] == "The miner must act."


def test_an_audit_puts_numbers_beside_their_limits(client: Client, made: Made) -> None:
    url = reverse("audit", args=["made", 1, made.miners[1].hotkey])
    page = facts(client, url)
    numbers = {n["name"]: n for audit in page["audits"] for n in audit["numbers"]}
    assert numbers["generation_s"]["over"] is True
    assert numbers["margin"]["limit"] == "at least −5.00 %"
    assert numbers["margin"]["over"] is False
    text = html(client, url)
    assert "own network namespace" in text
    assert "The licence is MIT." in text


def test_a_pause_says_why_and_who_must_act(client: Client, made: Made) -> None:
    Round.objects.filter(pk=made.running.pk).update(
        state="paused",
        paused_from="duels",
        failure_class="judge",
        failure_code="VOIDS",
        failure_reason="Too many voids.",
    )
    text = html(client, reverse("round", args=["made", 2]))
    assert "Too many voids." in text
    assert "the operator must act" in text
    pause = facts(client, reverse("round", args=["made", 2]))["tracker"]["pause"]
    assert (pause["failure_class"], pause["code"]) == ("judge", "VOIDS")


def test_an_open_round_shows_what_was_revealed_so_far(client: Client, made: Made) -> None:
    Round.objects.filter(pk=made.running.pk).update(state="open", earliest_reveal_block=1000, latest_reveal_block=1100)
    page = facts(client, reverse("round", args=["made", 2]))
    assert page["counts"]["revealed"] == 1
    assert page["headline"].startswith("Round 2 takes reveals: 1 miner so far.")


def test_rounds_lead_to_each_other(client: Client, made: Made) -> None:
    assert facts(client, reverse("round", args=["made", 1]))["previous_url"] == ""
    assert facts(client, reverse("round", args=["made", 1]))["next_url"] == reverse("round", args=["made", 2])
    assert client.get("/c/made/r/current/").headers["Location"] == reverse("round", args=["made", 2])


def test_a_prefix_of_a_hotkey_leads_to_the_miner(client: Client, made: Made) -> None:
    full = made.miners[1].hotkey
    assert client.get(f"/miners/{full[:8]}/").headers["Location"] == f"/miners/{full}/"
    assert client.get(f"/miners/{full[:8]}.json").headers["Location"] == f"/miners/{full}.json"
    assert client.get(f"/c/made/r/1/leader-vs-{full[:8]}/").headers["Location"] == match_url(made)


def test_an_ambiguous_prefix_offers_a_choice(client: Client, made: Made) -> None:
    twin = made.miners[1].hotkey[:10] + hotkey(99)[10:]
    made.miners[2].hotkey = twin
    made.miners[2].save()
    text = html(client, f"/miners/{twin[:8]}/", status=300)
    assert twin in text
    assert made.miners[1].hotkey in text


def test_an_unknown_hotkey_is_404_with_a_hint(client: Client, made: Made) -> None:
    unknown = hotkey(1234)
    text = html(client, f"/miners/{unknown}/", status=404)
    assert f'value="{unknown}"' in text
    assert client.get(f"/miners/{unknown}.json").json()["detail"].startswith("No miner")
    for url in (
        "/c/other/",
        "/c/made/r/9/",
        f"/c/made/r/1/audits/{made.miners[2].hotkey}/",
        "/nowhere/",
        "/nowhere.json",
    ):
        assert client.get(url).status_code == 404, url


def test_search_goes_straight_to_a_single_miner(client: Client, made: Made) -> None:
    assert client.get("/search/", {"q": made.miners[3].hotkey[:7]}).headers["Location"] == reverse(
        "miner", args=[made.miners[3].hotkey]
    )
    commit = made.finished.submissions.exclude(commit="").first().commit
    assert commit[:12] in html(client, f"/search/?q={commit[:9]}")
    assert "Nothing found" in html(client, "/search/?q=zzzzzz")
    assert "Find a miner" in html(client, "/search/")


def test_the_first_sentence_of_a_headline_stands_apart() -> None:
    assert headline_parts("A wins. It was close. By 5.5 %.", names={}) == ("A wins.", "It was close. By 5.5 %.")
    assert headline_parts("Nobody challenged", names={}) == ("Nobody challenged", "")


def test_a_round_played_elsewhere_says_so_and_needs_no_pictures(client: Client, made: Made) -> None:
    Round.objects.filter(pk=made.finished.pk).update(
        source={"era": 1, "commit": "c0ffee", "margins": {"stated": "0.05"}}
    )
    Prompt.objects.update(sha256="", url="https://files.example.org/prompt.png")
    Duel.objects.update(left_sha256="", right_sha256="", score_micro=None)
    match = made.matches[made.miners[1].hotkey + "screen"]
    finding = {"severity": "error", "kind": "margin", "file": "rounds/1/matches_matrix.csv", "place": 1}
    VerifierFinding.objects.create(
        competition=made.competition, round=made.finished, match=match, sentence="The margin is <wrong>.", **finding
    )
    text = html(client, reverse("round", args=["made", 1]))
    assert "Played elsewhere" in text
    assert "c0ffee" in text
    assert "The margin is &lt;wrong&gt;." in text
    assert "The margin is &lt;wrong&gt;." in html(client, match_url(made))
    for url in every_page(made):
        html(client, url)
        facts(client, url)
    assert client.get("/c/made/r/1/prompts.json").json()["prompts"][0]["url"] == "https://files.example.org/prompt.png"


def test_a_round_that_somebody_else_plays_is_not_polled(client: Client, made: Made) -> None:
    Round.objects.filter(pk=made.running.pk).update(source={"era": 1}, state="paused", paused_from="open")
    for url in (reverse("competition", args=["made"]), reverse("round", args=["made", 2])):
        text = html(client, url)
        assert "It is not played here" in text
        assert "data-hx-" not in text


def test_a_margin_of_the_records_is_counted_again(client: Client, made: Made) -> None:
    key = f"leader-vs-{made.miners[1].hotkey}"
    told = {"file": "rounds/1/x/duels_leader.json", "margin": 0.5, "recomputed": 0.2, "agrees": False}
    Round.objects.filter(pk=made.finished.pk).update(source={"era": 1, "matches": {key: told}})
    text = html(client, match_url(made))
    assert "The records state a margin of +50.00 %; counted again from its duels it is +20.00 %." in text
    assert "0 of 1" in html(client, reverse("round", args=["made", 1]))


def test_round_zero_is_a_round(client: Client, made: Made) -> None:
    Round.objects.filter(pk=made.finished.pk).update(number=0)
    assert ">round 0</a>" in html(client, reverse("round", args=["made", 0]))
    assert "Took the lead in" in html(client, reverse("competition", args=["made"]))


def test_a_miner_finds_the_duels_that_cost_the_most(client: Client, made: Made) -> None:
    loser = reverse("miner", args=[made.miners[2].hotkey])
    page = facts(client, loser)["costly"]
    match = made.finished.matches.get(kind="screen", challenger__miner=made.miners[2])
    lost = match.duels.filter(outcome="defender", state="judged")
    counted = [duel for duel in lost if duel.position < match.stopped_after]
    worst = sorted(counted, key=lambda duel: duel.score_micro)[:3]
    assert [duel["prompt"] for duel in page["duels"]] == [duel.prompt.stem for duel in worst]
    text = html(client, loser)
    assert "The duels that cost the most" in text
    assert all(duel["url"] in text for duel in page["duels"])
    assert facts(client, reverse("miner", args=[made.miners[1].hotkey]))["costly"] is None, "it fell short of nothing"


def test_a_miner_sees_every_round_and_the_best_of_them(client: Client, made: Made) -> None:
    again = made.miners[2]
    url = reverse("miner", args=[again.hotkey])
    told = facts(client, url)
    assert [(row["round"], bool(row["tally"])) for row in told["course"]] == [(2, False), (1, True)]
    assert told["summary"].startswith("Challenged in 2 rounds; best ")
    assert "in round 1 (" in told["summary"]
    text = html(client, url)
    assert told["summary"] in text
    assert text.count('class="forest"') == 1, "a round without a margin has no dot"
    winner = facts(client, reverse("miner", args=[made.miners[1].hotkey]))
    assert winner["course"][0]["took_lead"] is True


def test_hotkeys_that_begin_and_end_alike_have_other_pictures() -> None:
    one, other = hotkey(1), hotkey(1)[:20] + "zzz" + hotkey(1)[23:]
    assert inline_svg.identicon(one) == inline_svg.identicon(one) != inline_svg.identicon(other)


def test_the_front_page_shows_how_close_it_was(client: Client, made: Made) -> None:
    told = facts(client, "/c/made/")
    assert told["deciding"]["margin"] and told["deciding"]["flip_distance"] is not None
    text = html(client, "/c/made/")
    assert 'class="forest"' in text and 'class="split"' in text
    assert 'class="reigns"' in text


def test_a_defence_without_a_duel_leaves_the_reason_why_the_leader_leads(client: Client, made: Made) -> None:
    made.running.state, made.running.headline = "finished", "Nobody challenged: the leader defends."
    made.running.save()
    made.running.matches.filter(state="decided").update(state="waiting")
    text = html(client, "/c/made/")
    assert "Nobody challenged" in text
    assert facts(client, "/c/made/")["last_decision"]["round"] == 2
    assert "How the leader took the lead: its clearest duels" in text
    assert "It won by the rule." in text, "why the leader leads, beside its name"
    assert facts(client, "/c/made/")["crowning"]["distance"] in text, "and how close it was"
    assert "How close:" not in text, "that margin is not the last decision's"
