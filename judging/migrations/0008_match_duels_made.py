from django.db import migrations, models

# Decided matches have all the duels that they will ever have.
COUNT = """
    UPDATE judging_match m SET duels_made = t.made
    FROM (SELECT match_id, count(*) AS made FROM judging_duel GROUP BY match_id) t
    WHERE t.match_id = m.id AND m.state = 'decided'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("judging", "0007_match_kind_again"),
    ]

    operations = [
        migrations.AddField(
            model_name="match",
            name="duels_made",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
