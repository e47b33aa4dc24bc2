"""How somebody elsewhere hears of a round: feeds, badges, embeds."""
