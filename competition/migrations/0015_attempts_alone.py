from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('competition', '0014_attempts'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='bankroll',
            name='edition',
        ),
        migrations.AddConstraint(
            model_name='bankroll',
            constraint=models.UniqueConstraint(fields=('round', 'commit', 'attempt'), name='one_bankroll_per_attempt', nulls_distinct=False),
        ),
    ]
