import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audits', '0009_attempts'),
    ]

    operations = [
        migrations.RemoveField(model_name='audit', name='version'),
        migrations.RemoveField(model_name='podrun', name='repeat'),
        migrations.AlterField(
            model_name='correction',
            name='attempt',
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name='correction', to='competition.attempt'
            ),
        ),
        migrations.AddConstraint(
            model_name='audit',
            constraint=models.UniqueConstraint(fields=('submission', 'kind', 'attempt'), name='one_audit_per_attempt', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='podrun',
            constraint=models.UniqueConstraint(fields=('submission', 'purpose', 'attempt'), name='one_pod_run_per_attempt', nulls_distinct=False),
        ),
    ]
