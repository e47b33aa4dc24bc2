from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0010_attempts'),
    ]

    operations = [
        migrations.RemoveField(model_name='match', name='version'),
        migrations.RemoveField(model_name='duel', name='take'),
        migrations.RemoveField(model_name='control', name='take'),
        migrations.AddConstraint(
            model_name='match',
            constraint=models.UniqueConstraint(fields=('round', 'kind', 'defender', 'challenger', 'attempt'), name='one_match_per_attempt', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='control',
            constraint=models.UniqueConstraint(fields=('round', 'kind', 'prompt', 'variant', 'attempt'), name='one_control_of_a_kind', nulls_distinct=False),
        ),
    ]
